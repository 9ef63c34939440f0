// Layers of real networks, from the text files in bench/shapes/, one per line:
//
//   op  inputChannels  outputChannels  height  width  kernel  stride  count
//
// height and width are the input's, kernels are square, padding is SAME, `count` is how often the network has the layer.
// For `resize` (linear) and `resizeNearest` the kernel is the output size over the input's, for `depthToSpace` the block,
// for `image` the side of the square output. For `bestClass` height · width are the anchors.
// `#` starts a comment.
export interface LayerShape {
  op: string;
  inputs: number;
  outputs: number;
  height: number;
  width: number;
  kernel: number;
  stride: number;
}

/** A shape, and how often each network has it. */
export interface NetworkShape extends LayerShape {
  networks: Record<string, number>;
}

/** @throws Error naming the file and line of an entry that is not a layer. */
export function parseShapes(text: string, file: string): (LayerShape & { count: number })[] {
  const layers: (LayerShape & { count: number })[] = [];
  for (const [i, line] of text.split('\n').entries()) {
    const [op, ...numbers] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (!op) continue;
    const [inputs, outputs, height, width, kernel, stride, count] = numbers.map(Number);
    if (numbers.length !== 7 || !numbers.every((n) => /^[1-9]\d*$/.test(n))) {
      throw new Error(
        `${file}:${i + 1}: a line must hold an operator and seven positive integers, got "${line.trim()}"`,
      );
    }
    layers.push({ op, inputs, outputs, height, width, kernel, stride, count });
  }
  return layers;
}

/** The layers of several files, by network, each shape once, in the order in which they come. */
export function joinShapes(files: readonly { network: string; text: string; file?: string }[]): NetworkShape[] {
  const layers = new Map<string, NetworkShape>();
  for (const { network, text, file = network } of files) {
    for (const { count, ...shape } of parseShapes(text, file)) {
      const key = Object.values(shape).join(' ');
      const layer = layers.get(key) ?? { ...shape, networks: {} };
      layer.networks[network] = (layer.networks[network] ?? 0) + count;
      layers.set(key, layer);
    }
  }
  return [...layers.values()];
}

/** Height and width of the output, padding SAME. */
export function outputSize({ height, width, stride }: LayerShape): [height: number, width: number] {
  return [Math.ceil(height / stride), Math.ceil(width / stride)];
}

/** Top and left padding that SAME gives. */
export function leadingPads(shape: LayerShape): [top: number, left: number] {
  const [height, width] = outputSize(shape);
  const half = (size: number, output: number) => Math.max((output - 1) * shape.stride + shape.kernel - size, 0) >> 1;
  return [half(shape.height, height), half(shape.width, width)];
}

/** `conv 64→128 56² k3 s2`, short. */
export function describeShape({ op, inputs, outputs, height, width, kernel, stride }: LayerShape): string {
  const channels = inputs === outputs ? String(inputs) : `${inputs}→${outputs}`;
  const size = height === width ? `${height}²` : `${height}×${width}`;
  return `${op} ${channels} ${size}${kernel > 1 ? ` k${kernel}` : ''}${stride > 1 ? ` s${stride}` : ''}`;
}
