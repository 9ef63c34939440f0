// Anchors of single-shot detectors, as MediaPipe's ssd_anchors_calculator lays them out (Apache-2.0; after the object
// detection API of TensorFlow, https://arxiv.org/abs/1512.02325 section 2.2).

export interface SsdAnchorOptions {
  readonly inputWidth: number;
  readonly inputHeight: number;
  /**
   * Pixels from one cell to the next, one entry per layer. Neighbouring layers with the same stride share their cells.
   */
  readonly strides: readonly number[];
  readonly aspectRatios: readonly number[];
  /** Aspect ratio of one more anchor per layer, with a size between this layer's and the next's; 0 for none. */
  readonly interpolatedScaleAspectRatio: number;
  /**
   * All anchors are 1 × 1: the head's sizes are fractions of the input. Otherwise sizes run from minScale to maxScale.
   */
  readonly fixedAnchorSize: boolean;
  readonly minScale?: number;
  readonly maxScale?: number;
  /** The first layer has three fixed anchors per cell instead. */
  readonly reduceBoxesInLowestLayer?: boolean;
}

/** The number of anchors that `ssdAnchors` makes, without making them. */
export function ssdAnchorCount(options: SsdAnchorOptions): number {
  const { inputWidth, inputHeight, strides } = options;
  return strides.reduce(
    (sum, stride, layer) =>
      sum + Math.ceil(inputWidth / stride) * Math.ceil(inputHeight / stride) * layerSizes(options, layer).length,
    0,
  );
}

/** n × (x centre, y centre, width, height), as fractions of the input: by row, then column, then anchor of the cell. */
export function ssdAnchors(options: SsdAnchorOptions): Float32Array {
  const { inputWidth, inputHeight, strides, fixedAnchorSize } = options;
  const anchors: number[] = [];
  for (let layer = 0; layer < strides.length;) {
    const stride = strides[layer];
    const sizes: [width: number, height: number][] = [];
    for (; layer < strides.length && strides[layer] === stride; layer++) sizes.push(...layerSizes(options, layer));
    const rows = Math.ceil(inputHeight / stride);
    const columns = Math.ceil(inputWidth / stride);
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < columns; x++) {
        for (const [width, height] of sizes) {
          anchors.push(
            (x + 0.5) / columns,
            (y + 0.5) / rows,
            fixedAnchorSize ? 1 : width,
            fixedAnchorSize ? 1 : height,
          );
        }
      }
    }
  }
  return Float32Array.from(anchors);
}

function layerSizes(options: SsdAnchorOptions, layer: number): [width: number, height: number][] {
  const { strides, aspectRatios, interpolatedScaleAspectRatio, minScale = 0, maxScale = 1 } = options;
  const scaleOf = (i: number) =>
    strides.length === 1 ? (minScale + maxScale) / 2 : minScale + ((maxScale - minScale) * i) / (strides.length - 1);
  const scale = scaleOf(layer);
  const anchors: [scale: number, ratio: number][] = [];
  if (layer === 0 && options.reduceBoxesInLowestLayer) {
    anchors.push([0.1, 1], [scale, 2], [scale, 0.5]);
  } else {
    for (const ratio of aspectRatios) anchors.push([scale, ratio]);
    if (interpolatedScaleAspectRatio > 0) {
      const next = layer === strides.length - 1 ? 1 : scaleOf(layer + 1);
      anchors.push([Math.sqrt(scale * next), interpolatedScaleAspectRatio]);
    }
  }
  return anchors.map(([s, ratio]) => [s * Math.sqrt(ratio), s / Math.sqrt(ratio)]);
}
