import { describe, expect, it } from 'vitest';
import { FiligreeError } from '../../src/errors.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { verify } from '../../src/graph/verify.ts';
import { GraphBuilder } from '../graphs.ts';

/** input → conv2d0 → unary1 → output */
function sample(): Graph {
  const b = new GraphBuilder();
  const conv = b.conv2d(b.input([1, 3, 4, 4]), 2, 3);
  return b.finish(b.node('unary', { fn: 'tanh' }, conv));
}

/** The message of the error that a broken sample gives. */
function complaint(breakIt: (graph: Graph) => void): string {
  const graph = sample();
  breakIt(graph);
  try {
    verify(graph);
  } catch (error) {
    expect(error).toBeInstanceOf(FiligreeError);
    expect((error as FiligreeError).code).toBe('invalid-model');
    return (error as FiligreeError).message;
  }
  throw new Error('verify found nothing');
}

describe('verify', () => {
  it('accepts a graph that is whole', () => {
    expect(() => verify(sample())).not.toThrow();
  });

  it('names a dangling reference', () => {
    expect(complaint((g) => (g.nodes[1].inputs = ['nowhere']))).toBe(
      'test: node "unary1" (unary): reads "nowhere", which does not exist',
    );
  });

  it('names a value that nothing makes', () => {
    expect(complaint((g) => g.nodes.shift())).toContain(
      'reads "conv2d0", which is not an input, a constant or made by',
    );
  });

  it('names nodes out of order', () => {
    expect(complaint((g) => g.nodes.push(g.nodes.shift()!))).toBe(
      'test: node "unary1" (unary): reads "conv2d0" before node "conv2d0" makes it',
    );
  });

  it('names the nodes of a cycle', () => {
    const message = complaint((g) => (g.nodes[0].inputs[0] = 'unary1'));
    expect(message).toBe('test: nodes need each other\'s results: "conv2d0" ← "unary1" ← "conv2d0"');
  });

  it('names an output that is made twice', () => {
    expect(complaint((g) => g.nodes.push({ ...g.nodes[1] }))).toContain('makes "unary1", which is made already');
  });

  it('names a constant that is computed', () => {
    expect(
      complaint((g) => {
        const { shape } = g.values.get('unary1')!;
        g.values.set('unary1', { name: 'unary1', shape, dtype: 'float32', data: new Float32Array(32) });
      }),
    ).toContain('makes "unary1", which is a constant');
  });

  it('names an unknown operator', () => {
    expect(complaint((g) => (g.nodes[1].op = 'fourier'))).toBe(
      'test: node "unary1" (fourier): there is no operator "fourier"',
    );
    expect(complaint((g) => (g.nodes[1].op = 'constructor'))).toContain('there is no operator "constructor"');
  });

  it('names a recorded shape that does not follow', () => {
    expect(complaint((g) => (g.values.get('unary1')!.shape = [1, 2, 4, 5]))).toContain(
      'makes "unary1" of shape [1,2,4,4], recorded is [1,2,4,5]',
    );
  });

  it('names the violation of the shape rule', () => {
    expect(complaint((g) => (g.values.get('input0')!.shape = [1, 4, 4, 4]))).toMatch(
      /^test: node "conv2d0" \(conv2d\): weights .* want 3 input channels, the input \[1,4,4,4\] has 4/,
    );
  });

  it.each([[[1, 0, 4, 4]], [[1, -3, 4, 4]], [[1, 1.5, 4, 4]], [[65536, 32768, 1, 1]], [[1e200, 1e200, 1, 1]]])(
    'rejects the shape %j',
    (shape) => {
      expect(complaint((g) => (g.values.get('input0')!.shape = shape))).toMatch(
        /value "input0": shape .* (must hold positive integers|elements, more than 2147483647)/,
      );
    },
  );

  it('rejects constants that are shorter than their shape or of another type', () => {
    const bias = [...sample().values.values()].filter(({ data }) => data).at(-1)!.name;
    expect(complaint((g) => (g.values.get(bias)!.data = new Float32Array(1)))).toContain(
      `constant "${bias}": Tensor: shape [2] has 2 elements, the data has 1`,
    );
    expect(complaint((g) => (g.values.get(bias)!.data = new Int32Array(2)))).toContain('wants a Float32Array');
  });

  it('rejects computed values and inputs that are not float32', () => {
    expect(complaint((g) => (g.values.get('conv2d0')!.dtype = 'int8'))).toContain('makes "conv2d0" as int8');
    expect(complaint((g) => (g.values.get('input0')!.dtype = 'uint8'))).toContain('input "input0" is the uint8 value');
  });

  it('rejects the wrong number of outputs', () => {
    expect(complaint((g) => g.nodes[1].outputs.push('more'))).toContain('makes 1 outputs, 2 are named');
  });

  it('checks ports', () => {
    expect(complaint((g) => (g.outputs[0].value = 'gone'))).toContain('output "output0" is the value "gone"');
    expect(complaint((g) => (g.outputs[0].permutation = [0, 1, 2]))).toContain(
      '[0,1,2] is not a permutation of the 4 axes',
    );
    expect(complaint((g) => (g.outputs[0].permutation = [0, 1, 2, 2]))).toContain('[0,1,2,2] is not a permutation');
    expect(complaint((g) => g.outputs.push({ ...g.outputs[0] }))).toContain('two outputs are named "output0"');
    expect(complaint((g) => g.inputs.push({ ...g.inputs[0] }))).toContain('two inputs are the value "input0"');
    expect(complaint((g) => (g.inputs[0].quantization = { scale: 0, zeroPoint: 0 }))).toContain('quantization scale 0');
    expect(
      complaint((g) => {
        g.values.set('spare', { name: 'spare', shape: [1], dtype: 'float32' });
        g.outputs.push({ value: 'spare', name: 'spare', dtype: 'float32' });
      }),
    ).toContain('output "spare" is the value "spare", which no node makes');
  });

  it('rejects a value listed under another name', () => {
    expect(complaint((g) => ((g.values.get('unary1') as { name: string }).name = 'other'))).toContain(
      'value "other" is listed as "unary1"',
    );
  });
});
