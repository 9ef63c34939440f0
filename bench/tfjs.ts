// Converts TFLite models for tfjs-backend-wasm's driver (test/peers/tfjs-wasm.mjs): weights in tfjs's layout, operands that are
// settings as options, padding inside convolutions.
import { permuteData } from '../src/graph/permute.ts';
import type { ModelBuilder } from '../test/import/tflite/model.ts';
import type { OperatorSpec, TensorSpec } from '../test/import/tflite/writer.ts';

interface TfjsOperator {
  op: string;
  inputs: readonly number[];
  outputs: readonly number[];
  options: Record<string, unknown>;
}

/** Number of operands that are tensors, and the option names of the others. */
const operandNames: Record<string, [tensors: number, ...names: string[]]> = {
  MEAN: [1, 'axes'],
  RESHAPE: [1],
  TRANSPOSE: [1, 'permutation'],
  PAD: [1, 'amounts'],
  SLICE: [1, 'begin', 'sizes'],
  STRIDED_SLICE: [1, 'begin', 'end', 'strides'],
  RESIZE_NEAREST_NEIGHBOR: [1, 'size'],
  RESIZE_BILINEAR: [1, 'size'],
};

/** @throws Error for sparse weights, which tfjs does not support. */
export function exportTfjs(model: ModelBuilder): { json: string; weights: Uint8Array } {
  const tensors = model.tensors.map(({ name, shape }) => ({ name, shape }) as TensorSpec & { offset?: number });
  const data = new Map<number, Float32Array>();
  const integers = (tensor: number) => Array.from(model.tensors[tensor].data as Int32Array);
  const reshape = (tensor: number, shape: readonly number[], values: Float32Array) => {
    tensors[tensor].shape = shape;
    data.set(tensor, values);
  };
  const pads = new Map<number, { x: number; amounts: number[][] }>();
  const operators = model.operators.flatMap((operator): TfjsOperator[] => {
    const { op, inputs, outputs } = operator;
    const options: Record<string, unknown> = { ...Object.values(operator.options ?? {})[0] };
    if (op === 'DENSIFY') throw new Error('tfjs has no sparse weights');
    if (op === 'PAD' && feedsOnlyConvolutions(model, outputs[0])) {
      pads.set(outputs[0], { x: inputs[0], amounts: pairs(integers(inputs[1])) });
      return [];
    }
    if (op.endsWith('CONV_2D')) {
      const [x, w] = inputs;
      const { shape, data: values } = model.tensors[w];
      const [rows, height, width, columns] = shape;
      if (op === 'CONV_2D') {
        const permuted = permuteData(values as Float32Array, shape, [1, 2, 3, 0]);
        reshape(w, [height, width, columns, rows], permuted);
      } else {
        const multiplier = Number(options.multiplier);
        reshape(w, [height, width, columns / multiplier, multiplier], values as Float32Array);
      }
      const pad = pads.get(x);
      if (pad)
        return [{ op, inputs: [pad.x, ...inputs.slice(1)], outputs, options: { ...options, pads: pad.amounts } }];
    }
    if (op === 'FULLY_CONNECTED') {
      const { shape, data: values } = model.tensors[inputs[1]];
      reshape(inputs[1], [shape[1], shape[0]], permuteData(values as Float32Array, shape, [1, 0]));
    }
    if (op === 'SPLIT') {
      const along = integers(inputs[0])[0];
      return [{ op, inputs: [inputs[1]], outputs, options: { axis: along, sizes: options.count } }];
    }
    if (op === 'SPLIT_V') {
      const [x, sizes, axis] = inputs;
      return [{ op: 'SPLIT', inputs: [x], outputs, options: { axis: integers(axis)[0], sizes: integers(sizes) } }];
    }
    const [count, ...names] = operandNames[op] ?? [inputs.length];
    names.forEach((name, i) => (options[name] = integers(inputs[count + i])));
    if (op === 'PAD') options.amounts = pairs(options.amounts as number[]);
    return [{ op, inputs: inputs.slice(0, count), outputs, options }];
  });
  const used = new Set(operators.flatMap(({ inputs }) => inputs));
  let bytes = 0;
  const parts: Float32Array[] = [];
  model.tensors.forEach((tensor, i) => {
    const values = data.get(i) ?? tensor.data;
    if (!values || !used.has(i)) return;
    tensors[i].offset = bytes;
    parts.push(values as Float32Array);
    bytes += values.byteLength;
  });
  const weights = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    weights.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), at);
    at += part.byteLength;
  }
  return { json: JSON.stringify({ tensors, operators, inputs: model.inputs, outputs: model.outputs }), weights };
}

const pairs = (flat: number[]) => flat.flatMap((_, i) => (i % 2 === 0 ? [[flat[i], flat[i + 1]]] : []));

function feedsOnlyConvolutions(model: ModelBuilder, tensor: number): boolean {
  const readers: OperatorSpec[] = model.operators.filter(({ inputs }) => inputs.includes(tensor));
  return readers.every(({ op, inputs }) => op.endsWith('CONV_2D') && inputs[0] === tensor);
}
