// Float TFLite models → quantised ones like those of training with quantisation: uint8, with activations only in the range of
// the result (fused NONE).
import { type Quantisation, representable } from '../../src/quantisation.ts';
import { ModelBuilder } from '../../test/import/tflite/model.ts';
import type { Options } from '../../test/import/tflite/writer.ts';

export interface Limits {
  low: number;
  high: number;
}

/** A tensor's name → the range of its result in the float model, or the range to clamp it to. */
export type Limited = (tensor: string) => Limits;

export interface QuantisedModel {
  model: ModelBuilder;
  /** Reals that each computed tensor can hold, and its step, by name. */
  tensors: Map<string, Limits & Quantisation>;
  /** The float model with the rounded weights, without activations. */
  float: ModelBuilder;
}

/** The result has its input's scale. */
export const keepsScale = new Set([
  'RESHAPE',
  'TRANSPOSE',
  'MAX_POOL_2D',
  'AVERAGE_POOL_2D',
  'PAD',
  'SLICE',
  'STRIDED_SLICE',
  'RESIZE_BILINEAR',
  'RESIZE_NEAREST_NEIGHBOR',
  'SPACE_TO_DEPTH',
  'DEPTH_TO_SPACE',
  'SPLIT',
]);

/** The place of what an operator's results have the scale of; the others are constants. */
export const scaleSource = (op: string): number => (op === 'SPLIT' ? 1 : 0);

const fixedScales: Record<string, Quantisation> = {
  LOGISTIC: { scale: 1 / 256, zeroPoint: 0 },
  SOFTMAX: { scale: 1 / 256, zeroPoint: 0 },
  TANH: { scale: 1 / 128, zeroPoint: 128 },
};

const weighted = new Set(['CONV_2D', 'DEPTHWISE_CONV_2D', 'FULLY_CONNECTED']);

/** Operators that can be quantised; tfjs-tflite has all of them in uint8. */
export const quantisedOperators: ReadonlySet<string> = new Set([
  ...keepsScale,
  ...Object.keys(fixedScales),
  ...weighted,
  'ADD',
  'SUB',
  'MUL',
  'CONCATENATION',
  'MEAN',
  'RELU',
  'RELU6',
  'LEAKY_RELU',
  'HARD_SWISH',
]);

/** Scale and zero point of uint8 for a range, extended to include 0. */
function scaleFor({ low, high }: Limits): Quantisation {
  const [least, most] = [Math.min(low, 0), Math.max(high, 0)];
  const scale = Math.fround((most - least) / 255) || 1;
  return { scale, zeroPoint: Math.min(Math.max(Math.round(-least / scale), 0), 255) };
}

const rangeOf = (data: Float32Array): Limits => {
  let [low, high] = [0, 0];
  for (const v of data) [low, high] = [Math.min(low, v), Math.max(high, v)];
  return { low, high };
};

/** The fused activation of an operator's options. */
function fusedIn(options: Options | undefined): number {
  const [own] = Object.values(options ?? {}) as { activation?: number }[];
  return own?.activation ?? 0;
}

function withoutActivation(options: Options | undefined): Options | undefined {
  if (!fusedIn(options)) return options;
  const [[name, own]] = Object.entries(options!);
  return { [name]: { ...own, activation: 0 } };
}

/** A range after a fused activation. */
function activated({ low, high }: Limits, fused: number): Limits {
  const [least, most] = [
    [-Infinity, Infinity],
    [0, Infinity],
    [-1, 1],
    [0, 6],
  ][fused];
  return { low: Math.max(low, least), high: Math.min(high, most) };
}

/**
 * The model in uint8: biases int32, results in the range that `limited` gives, which also replaces fused activations.
 * @returns undefined when an operator is not among `quantisedOperators`, reads weights that are not constant or a bias
 * that another one reads too.
 */
export function quantiseTflite(source: ModelBuilder, limited: Limited): QuantisedModel | undefined {
  const tensors: QuantisedModel['tensors'] = new Map();
  const [model, float] = [new ModelBuilder(), new ModelBuilder()];
  for (const built of [model, float]) {
    built.tensors.push(...source.tensors.map((tensor) => ({ ...tensor })));
    built.inputs.push(...source.inputs);
    built.outputs.push(...source.outputs);
  }
  const scales = new Map<number, Quantisation>();
  const setScale = (index: number, quantisation: Quantisation, type: 'uint8' | 'int32' = 'uint8') => {
    const { scale, zeroPoint } = quantisation;
    scales.set(index, quantisation);
    Object.assign(model.tensors[index], { type, quantization: { scales: [scale], zeroPoints: [zeroPoint] } });
  };
  const computed = (index: number, quantisation: Quantisation) => {
    setScale(index, quantisation);
    tensors.set(source.tensors[index].name!, { ...quantisation, ...representable([0, 255], quantisation) });
  };
  const constant = (index: number, { scale, zeroPoint }: Quantisation, type: 'uint8' | 'int32') => {
    const integers = Array.from(source.tensors[index].data as Float32Array, (v) => Math.round(v / scale) + zeroPoint);
    const stored =
      type === 'int32' ? Int32Array.from(integers) : Uint8Array.from(integers, (q) => Math.min(Math.max(q, 0), 255));
    setScale(index, { scale, zeroPoint }, type);
    model.tensors[index].data = stored;
    float.tensors[index].data = Float32Array.from(stored, (q) => scale * (q - zeroPoint));
  };

  for (const index of source.inputs) computed(index, scaleFor(limited(source.tensors[index].name!)));
  for (const { op, inputs, outputs, options } of source.operators) {
    if (!quantisedOperators.has(op)) return undefined;
    const [x, weights, bias] = inputs;
    for (const index of weighted.has(op) ? [weights] : inputs) {
      const { type = 'float32', data } = source.tensors[index];
      if (type !== 'float32' || scales.has(index)) continue;
      if (!data) return undefined;
      constant(index, scaleFor(rangeOf(data as Float32Array)), 'uint8');
    }
    if (weighted.has(op)) {
      if (!source.tensors[bias]?.data || scales.has(bias) || source.tensors[x].data) return undefined;
      constant(bias, { scale: scales.get(x)!.scale * scales.get(weights)!.scale, zeroPoint: 0 }, 'int32');
    }
    const operator = { op, inputs, outputs, options: withoutActivation(options) };
    model.operators.push(operator);
    float.operators.push(operator);
    for (const index of outputs) {
      const same = keepsScale.has(op) ? scales.get(inputs[scaleSource(op)]) : undefined;
      const limits = activated(limited(source.tensors[index].name!), fusedIn(options));
      computed(index, same ?? fixedScales[op] ?? scaleFor(limits));
    }
  }
  return { model, tensors, float };
}
