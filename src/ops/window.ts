// Windows of convolutions and pooling, which slide over feature maps.

/** One entry per axis of a plane. */
export type Pair = readonly [height: number, width: number];

export interface Window {
  kernel: Pair;
  stride: Pair;
  dilation?: Pair;
  /** Top, left, bottom, right. */
  pads: readonly [top: number, left: number, bottom: number, right: number];
  /** Round the output size up: the last window may reach beyond the padding. Default false. */
  ceilMode?: boolean;
}

function outputLength(
  axis: string,
  input: number,
  k: number,
  s: number,
  d: number,
  before: number,
  after: number,
  ceil = false,
): number {
  if (![k, s, d].every((v) => Number.isInteger(v) && v > 0)) {
    throw new Error(`kernel ${k}, stride ${s} and dilation ${d} along the ${axis} must be positive integers`);
  }
  const steps = (input + before + after - ((k - 1) * d + 1)) / s;
  let length = (ceil ? Math.ceil(steps) : Math.floor(steps)) + 1;
  // A window that would start in the padding after the input does not count (ONNX, PyTorch).
  if (ceil && (length - 1) * s >= input + before) length--;
  if (length < 1) {
    throw new Error(
      `a window of ${(k - 1) * d + 1} does not fit a ${axis} of ${input} padded by ${before} and ${after}`,
    );
  }
  return length;
}

/**
 * Output height and width of a window over an input (height, width), by ONNX's rule.
 * @throws Error when the window does not fit even once, or its sizes are not positive integers.
 */
export function windowOutput([height, width]: Pair, window: Window): [height: number, width: number] {
  const { kernel, stride, dilation = [1, 1], pads, ceilMode } = window;
  return [
    outputLength('height', height, kernel[0], stride[0], dilation[0], pads[0], pads[2], ceilMode),
    outputLength('width', width, kernel[1], stride[1], dilation[1], pads[1], pads[3], ceilMode),
  ];
}

/** How a padded plane is split so that a strided window sees unit strides; see f32_pad. */
export interface Phases {
  rows: number;
  /** A multiple of 4. */
  columns: number;
  phasesH: number;
  phasesW: number;
  /** Bytes from one phase to the next. */
  phaseBytes: number;
  /** Byte offset of each element of the kernel from the window's place in the first phase, row by row. */
  taps: Int32Array;
}

/** The phases that a window needs for an output (height, width). */
export function windowPhases([height, width]: Pair, { kernel, stride, dilation = [1, 1] }: Window): Phases {
  const reachH = (kernel[0] - 1) * dilation[0];
  const reachW = (kernel[1] - 1) * dilation[1];
  const rows = height + Math.floor(reachH / stride[0]);
  const columns = Math.ceil((width + Math.floor(reachW / stride[1])) / 4) * 4;
  const phasesH = Math.min(stride[0], reachH + 1);
  const phasesW = Math.min(stride[1], reachW + 1);
  const phaseBytes = 4 * rows * columns;
  const taps = new Int32Array(kernel[0] * kernel[1]);
  for (let i = 0; i < kernel[0]; i++) {
    const y = i * dilation[0];
    for (let j = 0; j < kernel[1]; j++) {
      const x = j * dilation[1];
      const phase = (y % stride[0]) * phasesW + (x % stride[1]);
      const pixel = Math.floor(y / stride[0]) * columns + Math.floor(x / stride[1]);
      taps[i * kernel[1] + j] = phase * phaseBytes + 4 * pixel;
    }
  }
  return { rows, columns, phasesH, phasesW, phaseBytes, taps };
}
