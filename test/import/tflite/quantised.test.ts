// Results of quantised operators lie in their tensor's range, and nothing is emitted where they do anyway.
import { describe, expect, it } from 'vitest';
import { evaluate } from '../../../src/graph/evaluate.ts';
import type { Graph } from '../../../src/graph/graph.ts';
import { importTflite } from '../../../src/import/tflite/index.ts';
import { optimise } from '../../../src/passes/index.ts';
import { Tensor } from '../../../src/tensor.ts';
import { ModelBuilder } from './model.ts';
import type { Options } from './writer.ts';

const uint8 = (scale: number, zeroPoint = 0) =>
  ({ type: 'uint8', quantization: { scales: [scale], zeroPoints: [zeroPoint] } }) as const;

/** 0…6, as ReLU6 leaves it. */
const six = uint8(6 / 255);
/** −12.8…12.7 */
const wide = uint8(0.1, 128);

const imported = (model: ModelBuilder): Graph => importTflite(model.bytes(), 'quantised.tflite');

const opsOf = (graph: Graph) => graph.nodes.map(({ op }) => op);

function run(graph: Graph, inputs: Record<string, Tensor>): number[] {
  const { y } = evaluate(graph, inputs);
  return Array.from(y.data as Float32Array, (v) => Math.round(1000 * v) / 1000);
}

/** One operator on inputs of a row each. */
function one(
  op: string,
  inputs: ReturnType<typeof uint8>[],
  result: ReturnType<typeof uint8>,
  columns = 4,
  options?: Options,
): Graph {
  const model = new ModelBuilder();
  const row = inputs.map((own, i) => model.input(`x${i}`, [1, 4], own));
  model.outputs.push(...model.apply('y', op, row, [[1, columns]], options, result));
  return imported(model);
}

const none = { activation: 0 };

describe('quantised results', () => {
  it('of x + x in 0…6 are 0, 0, 4 and 6', () => {
    const model = new ModelBuilder();
    const x = model.input('x', [1, 4], wide);
    model.outputs.push(...model.apply('y', 'ADD', [x, x], [[1, 4]], { Add: none }, six));
    expect(run(imported(model), { x: new Tensor('float32', [1, 4], [-3, 0, 2, 5]) })).toEqual([0, 0, 4, 6]);
  });

  it.each<[string, Options]>([
    ['ADD', { Add: none }],
    ['SUB', { Sub: none }],
    ['MUL', { Mul: none }],
    ['CONCATENATION', { Concatenation: { axis: 1, activation: 0 } }],
  ])('of %s saturate', (op, options) => {
    const graph = one(op, [wide, wide], six, op === 'CONCATENATION' ? 8 : 4, options);
    const a = [-3, 1, 5, 12];
    const b = [2, 4, -4, 1];
    const made = {
      ADD: [0, 5, 1, 6],
      SUB: [0, 0, 6, 6],
      MUL: [0, 4, 0, 6],
      CONCATENATION: [0, 1, 5, 6, 2, 4, 0, 1],
    }[op];
    const inputs = { x0: new Tensor('float32', [1, 4], a), x1: new Tensor('float32', [1, 4], b) };
    expect(run(graph, inputs)).toEqual(made);
  });

  it.each(['RESHAPE', 'LEAKY_RELU', 'QUANTIZE', 'NEG', 'ABS'])('of %s saturate', (op) => {
    const model = new ModelBuilder();
    const x = model.input('x', [1, 4], wide);
    const inputs = op === 'RESHAPE' ? [x, model.integers([2], [1, 4])] : [x];
    const options = op === 'LEAKY_RELU' ? { LeakyRelu: { alpha: 0.5 } } : undefined;
    model.outputs.push(...model.apply('y', op, inputs, [[1, 4]], options, six));
    const given = [-7, -1, 1, 9];
    const made = { NEG: [6, 1, 0, 0], ABS: [6, 1, 1, 6] }[op] ?? [0, 0, 1, 6];
    expect(run(imported(model), { x: new Tensor('float32', [1, 4], given) })).toEqual(made);
  });

  it('of layers saturate in the layer itself', () => {
    const model = new ModelBuilder();
    const x = model.input('x', [1, 2, 2, 2], wide);
    const weights = (shape: number[], data: number[]) =>
      model.add({ shape, type: 'int8', data: Int8Array.from(data), quantization: { scales: [0.5], zeroPoints: [0] } });
    const bias = model.add({ shape: [2], type: 'int32', data: Int32Array.of(0, 0) });
    const same = { padding: 0, strideWidth: 1, strideHeight: 1, activation: 0 };
    const conv = model.apply(
      'conv',
      'CONV_2D',
      [x, weights([2, 1, 1, 2], [2, 0, 0, 2]), bias],
      [[1, 2, 2, 2]],
      { Conv2D: same },
      six,
    );
    const depthwise = model.apply(
      'depthwise',
      'DEPTHWISE_CONV_2D',
      [conv[0], weights([1, 1, 1, 2], [-2, 4]), bias],
      [[1, 2, 2, 2]],
      { DepthwiseConv2D: { ...same, multiplier: 1 } },
      uint8(4 / 255),
    );
    const flat = model.apply(
      'flat',
      'RESHAPE',
      [depthwise[0], model.integers([2], [1, 8])],
      [[1, 8]],
      undefined,
      uint8(4 / 255),
    );
    const rows = weights([2, 8], [2, 2, 2, 2, 2, 2, 2, 2, 0, -2, 0, -2, 0, -2, 0, -2]);
    model.outputs.push(
      ...model.apply(
        'y',
        'FULLY_CONNECTED',
        [flat[0], rows, bias],
        [[1, 2]],
        { FullyConnected: none },
        uint8(10 / 255),
      ),
    );
    const graph = imported(model);
    optimise(graph);
    expect(opsOf(graph).filter((op) => op === 'unary')).toEqual([]);
    // second channel: 0, 1 · 2, 3 · 2 and 9 · 2, within 4: 0 + 2 + 4 + 4
    const inputs = { x: new Tensor('float32', [1, 2, 2, 2], [5, -1, 5, 1, 5, 3, 5, 9]) };
    expect(run(graph, inputs)).toEqual([10, 0]);
  });

  it.each<[string, ReturnType<typeof uint8>, ReturnType<typeof uint8>]>([
    ['LOGISTIC', wide, uint8(1 / 256)],
    ['TANH', wide, uint8(1 / 128, 128)],
    ['RELU6', wide, six],
    ['RELU', six, six],
    ['HARD_SWISH', wide, uint8(13.1 / 255, 7)],
    ['QUANTIZE', wide, wide],
    ['SOFTMAX', wide, uint8(1 / 256)],
  ])('of %s need no clamp where its range holds them', (op, from, to) => {
    const options = op === 'SOFTMAX' ? { Softmax: { beta: 1 } } : undefined;
    const clamps = one(op, [from], to, 4, options).nodes.filter(
      ({ op: made, attributes }) => made === 'unary' && 'fn' in attributes && attributes.fn === 'clamp',
    );
    expect(clamps).toHaveLength(op === 'RELU6' || op === 'RELU' ? 1 : 0);
  });

  it('of a sum of bounded operands need no clamp', () => {
    expect(opsOf(one('ADD', [six, six], uint8(12 / 255), 4, { Add: none }))).toEqual(['binary']);
    expect(opsOf(one('ADD', [six, six], uint8(11 / 255), 4, { Add: none }))).toEqual(['binary', 'unary']);
  });

  it('of x · sigmoid(x) need no clamp, and are SiLU', () => {
    const model = new ModelBuilder();
    const x = model.input('x', [1, 4], wide);
    const [gate] = model.apply('gate', 'LOGISTIC', [x], [[1, 4]], undefined, uint8(1 / 256));
    const silu = uint8(0.051, 5);
    model.outputs.push(...model.apply('y', 'MUL', [x, gate], [[1, 4]], { Mul: none }, silu));
    const graph = imported(model);
    optimise(graph);
    expect(graph.nodes.map(({ attributes }) => attributes)).toEqual([{ fn: 'silu' }]);
  });

  it('of 32 bits and of floats are left as they are', () => {
    const model = new ModelBuilder();
    const x = model.input('x', [1, 4], wide);
    const [wider] = model.apply(
      'wider',
      'ADD',
      [x, x],
      [[1, 4]],
      { Add: none },
      {
        type: 'int32',
        quantization: { scales: [1e-12] },
      },
    );
    const more = { quantization: { scales: [0.01] } };
    model.outputs.push(...model.apply('y', 'ADD', [wider, x], [[1, 4]], { Add: none }, more));
    expect(opsOf(imported(model))).toEqual(['binary', 'binary']);
  });

  it('take inputs that are saturated as well', () => {
    const graph = one('NEG', [six], uint8(0.1, 255));
    expect(run(graph, { x0: new Tensor('float32', [1, 4], [-1, 2, 6.5, NaN]) })).toEqual([-0, -2, -6, NaN]);
    expect(run(graph, { x0: new Tensor('uint8', [1, 4], [-5, 0, 255, 300]) })).toEqual([-0, -0, -6, -6]);
  });
});
