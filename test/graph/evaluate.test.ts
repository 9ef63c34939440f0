import { describe, expect, it } from 'vitest';
import { evaluate } from '../../src/graph/evaluate.ts';
import { halfToFloat } from '../../src/formats/half.ts';
import { inversePermutation, permuteData, permuteShape } from '../../src/graph/permute.ts';
import { Tensor } from '../../src/tensor.ts';
import { GraphBuilder } from '../graphs.ts';

describe('evaluate', () => {
  it('takes and gives tensors in the author’s axis order', () => {
    const b = new GraphBuilder();
    const x = b.input([1, 2, 1, 3], { permutation: [0, 2, 3, 1] });
    const y = b.node('binary', { fn: 'mul' }, x, b.constant([2, 1, 1], [1, 10]));
    const graph = b.finish(y, y);
    graph.outputs[0].permutation = [0, 2, 3, 1];
    const nhwc = new Tensor('float32', [1, 1, 3, 2], [1, 2, 3, 4, 5, 6]);
    const { output0, output1 } = evaluate(graph, { input0: nhwc });
    expect(output0).toEqual(new Tensor('float32', [1, 1, 3, 2], [1, 20, 3, 40, 5, 60]));
    expect(output1).toEqual(new Tensor('float32', [1, 2, 1, 3], [1, 3, 5, 20, 40, 60]));
  });

  it('dequantizes integer inputs, and takes float32 as real numbers within their range', () => {
    const b = new GraphBuilder();
    const x = b.input([2], { dtype: 'uint8' });
    const graph = b.finish(b.node('unary', { fn: 'neg' }, x));
    graph.inputs[0].quantization = { scale: 0.5, zeroPoint: 128 };
    expect([...evaluate(graph, { input0: new Tensor('uint8', [2], [0, 255]) }).output0.data]).toEqual([64, -63.5]);
    expect([...evaluate(graph, { input0: new Tensor('float32', [2], [0, 25]) }).output0.data]).toEqual([-0, -25]);
    expect([...evaluate(graph, { input0: new Tensor('float32', [2], [-99, 255]) }).output0.data]).toEqual([64, -63.5]);
  });

  it('reads constants of every dtype', () => {
    const b = new GraphBuilder();
    const x = b.input([2]);
    b.graph.values.set('half', { name: 'half', shape: [2], dtype: 'float16', data: Uint16Array.of(0x3c00, 0xc500) });
    const graph = b.finish(b.node('binary', { fn: 'add' }, x, b.constant([2], [1, 2])));
    // Not through shape rules: importers turn float16 weights into float32 themselves.
    graph.nodes[0].inputs[1] = 'half';
    expect([...evaluate(graph, { input0: new Tensor('float32', [2], [1, 2]) }).output0.data]).toEqual([2, -3]);
  });

  it('shows every value on the way when asked', () => {
    const b = new GraphBuilder();
    const x = b.input([2]);
    const y = b.node('unary', { fn: 'neg' }, x);
    const z = b.node('unary', { fn: 'abs' }, y);
    const graph = b.finish(z);
    const intermediates = new Map();
    evaluate(graph, { input0: new Tensor('float32', [2], [1, 2]) }, { intermediates });
    expect([...intermediates.keys()]).toEqual([y, z]);
    expect([...intermediates.get(y).data]).toEqual([-1, -2]);
  });

  it('gives inputs and constants that are outputs, as copies', () => {
    const b = new GraphBuilder();
    const x = b.input([1]);
    const graph = b.finish(x, b.constant([1], [5]));
    const input = new Tensor('float32', [1], [3]);
    const { output0, output1 } = evaluate(graph, { input0: input });
    expect([output0.data[0], output1.data[0]]).toEqual([3, 5]);
    expect(output0.data).not.toBe(input.data);
  });

  it('says which input is wrong', () => {
    const b = new GraphBuilder();
    const graph = b.finish(b.node('unary', { fn: 'neg' }, b.input([1, 3, 2, 2], { permutation: [0, 2, 3, 1] })));
    expect(() => evaluate(graph, {})).toThrow('test: input "input0" (float32 [1,2,2,3]) is missing');
    expect(() => evaluate(graph, { input0: new Tensor('float32', [1, 3, 2, 2]) })).toThrow(
      'must be float32 [1,2,2,3], got float32 [1,3,2,2]',
    );
    expect(() => evaluate(graph, { input0: new Tensor('int8', [1, 2, 2, 3]) })).toThrow('got int8 [1,2,2,3]');
    expect(() => evaluate(graph, { image: new Tensor('float32', [1, 2, 2, 3]) })).toThrow(
      'no input is named "image"; inputs are "input0"',
    );
  });
});

describe('permuteData', () => {
  it('moves axes and back', () => {
    const shape = [2, 3, 1, 4];
    const data = Float32Array.from({ length: 24 }, (_, i) => i);
    const permutation = [3, 0, 2, 1];
    const moved = permuteData(data, shape, permutation);
    const movedShape = permuteShape(shape, permutation);
    expect(movedShape).toEqual([4, 2, 1, 3]);
    // moved[w][n][0][c] = data[n][c][0][w]
    for (let w = 0; w < 4; w++) {
      for (let n = 0; n < 2; n++)
        for (let c = 0; c < 3; c++) expect(moved[(w * 2 + n) * 3 + c]).toBe((n * 3 + c) * 4 + w);
    }
    expect(permuteData(moved, movedShape, inversePermutation(permutation))).toEqual(data);
  });

  it('copies a scalar', () => {
    expect([...permuteData(Float32Array.of(7), [], [])]).toEqual([7]);
  });
});

describe('halfToFloat', () => {
  it.each([
    [0x0000, 0],
    [0x8000, -0],
    [0x3c00, 1],
    [0xc000, -2],
    [0x7bff, 65504],
    [0x0001, 2 ** -24],
    [0x03ff, 1023 * 2 ** -24],
    [0x0400, 2 ** -14],
    [0x7c00, Infinity],
    [0xfc00, -Infinity],
    [0x7e01, NaN],
    [0x3555, 0.333251953125],
  ])('reads %i as %f', (bits, number) => {
    expect(halfToFloat(bits)).toBe(number);
  });
});
