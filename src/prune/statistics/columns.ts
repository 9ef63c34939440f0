// The columns that a layer multiplies its weights by: for a pixel of its output, the inputs under its kernel.
import type { Graph } from '../../graph/graph.ts';
import { valueOf } from '../../graph/graph.ts';
import type { Conv2dAttributes } from '../../ops/convolution.ts';
import { elementCount } from '../../tensor.ts';
import type { Layer } from '../layers.ts';
import { nodeOf } from '../layers.ts';

/** The source of a layer's columns. A linear layer is a convolution of one pixel for each of its rows. */
export class Columns {
  /** The value that the layer reads. */
  readonly value: string;
  /** Index of its node in the graph. */
  readonly index: number;
  /** Numbers in a column of one group. */
  readonly n: number;
  /** Pixels of the output in all images of one run. */
  readonly pixels: number;
  /** Height of an output image. */
  readonly height: number;
  readonly width: number;
  readonly #geometry: {
    channels: number;
    perGroup: number;
    kernel: readonly [number, number];
    stride: readonly number[];
    dilation: readonly number[];
    pads: readonly number[];
    input: readonly [number, number];
    output: readonly [number, number];
    /** Floats from a channel to the next, and from an image to the next. */
    plane: number;
    image: number;
  };

  constructor(graph: Graph, layer: Layer) {
    const node = nodeOf(graph, layer);
    const [, perGroup, kh, kw] = layer.shape;
    this.value = node.inputs[0];
    this.index = graph.nodes.indexOf(node);
    this.n = layer.columns;
    const { shape } = valueOf(graph, this.value);
    if (node.op === 'linear') {
      this.pixels = elementCount(shape) / perGroup;
      this.height = this.width = 1;
      const one = [1, 1] as const;
      this.#geometry = {
        channels: perGroup,
        perGroup,
        kernel: one,
        stride: one,
        dilation: one,
        pads: [0, 0, 0, 0],
        input: one,
        output: one,
        plane: 1,
        image: perGroup,
      };
      return;
    }
    const { stride, dilation, pads } = node.attributes as Conv2dAttributes;
    const [batch, channels, height, width] = shape;
    const [, , h, w] = valueOf(graph, node.outputs[0]).shape;
    this.pixels = batch * h * w;
    this.height = h;
    this.width = w;
    this.#geometry = {
      channels,
      perGroup,
      kernel: [kh, kw],
      stride,
      dilation,
      pads,
      input: [height, width],
      output: [h, w],
      plane: height * width,
      image: channels * height * width,
    };
  }

  /**
   * Writes the column of pixel `picks[s]` at `to[s · step + c]`, for panels of `panel` columns one after the other: column c
   * lies at `(c div panel) · capacity · panel + s · panel + c mod panel`.
   * @param data of `value`, row-major
   */
  gather(
    data: Float32Array,
    group: number,
    picks: ArrayLike<number>,
    to: Float32Array,
    { panel, capacity, first }: { panel: number; capacity: number; first: number },
  ): void {
    const { perGroup, kernel, stride, dilation, pads, input, output, plane, image } = this.#geometry;
    const [height, width] = input;
    const [h, w] = output;
    const count = picks.length;
    let column = 0;
    for (let c = 0; c < perGroup; c++) {
      const channel = (group * perGroup + c) * plane;
      for (let ky = 0; ky < kernel[0]; ky++) {
        for (let kx = 0; kx < kernel[1]; kx++, column++) {
          let at = Math.floor(column / panel) * capacity * panel + first * panel + (column % panel);
          const top = ky * dilation[0] - pads[0];
          const left = kx * dilation[1] - pads[1];
          for (let s = 0; s < count; s++, at += panel) {
            const pixel = picks[s];
            const row = Math.floor(pixel / w);
            const b = Math.floor(row / h);
            const y = (row - b * h) * stride[0] + top;
            const x = (pixel - row * w) * stride[1] + left;
            const inside = y >= 0 && y < height && x >= 0 && x < width;
            to[at] = inside ? data[b * image + channel + y * width + x] : 0;
          }
        }
      }
    }
  }
}
