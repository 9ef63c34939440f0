// Resizing; the kernel size of a `resize` shape is the output size over the input's.
import type { RawKernels } from '../../src/kernels.ts';
import type { KernelName } from '../../src/program/kernels.ts';
import { placeConstant, placeFloats } from '../place.ts';
import type { LayerShape } from '../shapes.ts';
import type { CaseBuilder } from './case.ts';
import { elementWork, planesOf } from './case.ts';

const upTo4 = (count: number) => 4 * Math.ceil(count / 4);

function placeIndices(kernels: RawKernels, indices: readonly number[]): number {
  return placeConstant(kernels, { form: 'i32', data: Int32Array.from(indices) });
}

/** Byte offsets of sources along an axis, `bytes` from one to the next: the nearest ones. */
function nearestTable(outputs: number, scale: number, bytes: number): number[] {
  return Array.from({ length: outputs }, (_, i) => Math.floor(i / scale) * bytes);
}

/** Two sources and the weight of the second: half-pixel centres. */
function linearTable(outputs: number, inputs: number, bytes: number) {
  const scale = outputs / inputs;
  const at = Array.from({ length: upTo4(outputs) }, (_, i) =>
    Math.min(Math.max((Math.min(i, outputs - 1) + 0.5) / scale - 0.5, 0), inputs - 1),
  );
  return {
    offsets: at.flatMap((v) => [Math.floor(v), Math.min(Math.floor(v) + 1, inputs - 1)].map((i) => i * bytes)),
    weights: Float32Array.from(at, (v) => v - Math.floor(v)),
  };
}

/** Tables that kernels need besides planes, and their operations per output. */
interface Tables {
  place(kernels: RawKernels, shape: LayerShape): Record<string, number>;
  operations: number;
}

const nearest: Tables = {
  operations: 0,
  place(kernels, { height, width, kernel: scale }) {
    return {
      rows: placeIndices(kernels, nearestTable(height * scale, scale, 4 * width)),
      columns: placeIndices(kernels, nearestTable(upTo4(width * scale), scale, 4)),
    };
  },
};

const linear: Tables = {
  operations: 6, // twice a + (b − a) · weight
  place(kernels, { height, width, kernel: scale }) {
    const rows = linearTable(height * scale, height, 4 * width);
    const columns = linearTable(width * scale, width, 4);
    return {
      rows: placeIndices(kernels, rows.offsets),
      rowWeights: placeConstant(kernels, { form: 'f32', data: rows.weights }),
      columns: placeIndices(kernels, columns.offsets),
      columnWeights: placeConstant(kernels, { form: 'f32', data: columns.weights }),
      scratch: kernels.allocate(4 * upTo4(width)),
    };
  },
};

function resize(name: KernelName, op: string, tables?: Tables): CaseBuilder {
  return {
    contest: op,
    encoding: 'dense',
    // without tables every pixel becomes 2×2
    fits: (shape) => shape.op === op && (tables !== undefined || (shape.kernel === 2 && shape.width >= 4)),
    build(kernels, shape) {
      const { inputs: channels, kernel: scale } = shape;
      const height = shape.height * scale;
      const width = shape.width * scale;
      const x = planesOf(channels, shape.height * shape.width);
      const y = planesOf(channels, height * width);
      const args = {
        x: placeFloats(kernels, x.floats),
        y: kernels.allocate(4 * y.floats),
        batch: 1,
        xBatch: 0,
        yBatch: 0,
        channels,
        xPlane: x.plane,
        xWidth: shape.width,
        yPlane: y.plane,
        height,
        width,
        ...tables?.place(kernels, shape),
      };
      const outputs = channels * height * width;
      const bytes = 4 * (channels * x.pixels + outputs);
      const operations = (tables?.operations ?? 0) * outputs;
      return elementWork(kernels.record(name, args), { address: args.y, ...y }, operations, bytes);
    },
  };
}

export const resizeCases = {
  f32_resize_nearest: resize('f32_resize_nearest', 'resizeNearest', nearest),
  f32_upsample_2x2: resize('f32_upsample_2x2', 'resizeNearest'),
  f32_resize_linear: resize('f32_resize_linear', 'resize', linear),
};
