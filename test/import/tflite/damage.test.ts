// Files that are not what they claim to be end in one FiligreeError that says what and where.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FiligreeError, type FiligreeErrorCode } from '../../../src/errors.ts';
import { importTflite } from '../../../src/import/tflite/index.ts';
import { cpuMs, expectCpuBelow } from '../../cpu.ts';
import { ModelBuilder } from './model.ts';
import { sparseFace } from './models.ts';
import { writeTflite, type ModelSpec } from './writer.ts';

function failure(bytes: Uint8Array, name = 'bad.tflite'): FiligreeError {
  try {
    importTflite(bytes, name);
  } catch (error) {
    expect(error).toBeInstanceOf(FiligreeError);
    expect((error as Error).message.startsWith(`${name}: `)).toBe(true);
    return error as FiligreeError;
  }
  throw new Error('imported without an error');
}

/** Two chained operators: y = −x, z = |y|. */
function chain(): ModelBuilder {
  const model = new ModelBuilder();
  const x = model.input('x', [1, 4]);
  const [y] = model.apply('y', 'NEG', [x], [[1, 4]]);
  model.output('z', 'ABS', [y], [[1, 4]]);
  return model;
}

const written = (model: ModelSpec, more: Partial<ModelSpec> = {}) =>
  writeTflite({
    tensors: model.tensors,
    operators: model.operators,
    inputs: model.inputs,
    outputs: model.outputs,
    ...more,
  });

describe('not a model', () => {
  it.each([
    ['nothing', '', 'the file has 0 bytes'],
    ['three bytes', 'abc', 'the file has 3 bytes'],
    ['text', 'This is not a model at all.', 'got " is "'],
    ['the identifier alone', '\0\0\0\0TFL3', 'a vtable'],
  ])('%s', (_, text, message) => {
    const error = failure(new TextEncoder().encode(text), 'notes.txt');
    expect(error.code).toBe('invalid-model');
    expect(error.message).toContain(message);
  });

  it('another schema version', () => {
    expect(failure(written(chain(), { version: 2 })).message).toContain(
      'the file has TFLite schema version 2; it must be 3',
    );
  });
});

describe('contradictions', () => {
  const cases: [string, () => Uint8Array, FiligreeErrorCode, string][] = [
    [
      'a tensor longer than its buffer',
      () => {
        const model = new ModelBuilder();
        const x = model.input('x', [1, 64]);
        const weights = model.add({ name: 'dense/kernel', shape: [36, 64], data: new Float32Array(1152).fill(1) });
        model.output('y', 'FULLY_CONNECTED', [x, weights], [[1, 36]], { FullyConnected: {} });
        return model.bytes();
      },
      'invalid-model',
      'bad.tflite: tensor 1 "dense/kernel": buffer 2 holds 4608 bytes, shape [36,64] of float32 wants 9216',
    ],
    [
      'a dangling tensor index',
      () => {
        const model = chain();
        return written(model, { operators: [model.operators[0], { ...model.operators[1], inputs: [7] }] });
      },
      'invalid-model',
      'operator 1 (ABS): refers to tensor 7; there are 3',
    ],
    [
      'a dangling output',
      () => written(chain(), { outputs: [-1] }),
      'invalid-model',
      'the outputs: refers to tensor -1; there are 3',
    ],
    [
      'a tensor that nothing makes',
      () => written(chain(), { inputs: [] }),
      'invalid-model',
      'operator 0 (NEG) reads tensor 0 "x", which is not an input of the graph, holds no data and is not made by any operator',
    ],
    [
      'a cycle',
      () => {
        const model = chain();
        return written(model, { operators: [{ ...model.operators[0], inputs: [2] }, model.operators[1]] });
      },
      'invalid-model',
      'operator 0 (NEG) reads tensor 2 "z", which operator 1 (ABS) makes later: the operators form a cycle',
    ],
    [
      'an operator that feeds itself',
      () => {
        const model = chain();
        return written(model, { operators: [{ ...model.operators[0], inputs: [1] }, model.operators[1]] });
      },
      'invalid-model',
      'operator 0 (NEG) reads tensor 1 "y", which it makes itself',
    ],
    [
      'a tensor made twice',
      () => {
        const model = chain();
        return written(model, { operators: [...model.operators, model.operators[0]] });
      },
      'invalid-model',
      'tensor 1 "y" is an output of operator 0 (NEG) and an output of operator 2 (NEG)',
    ],
    [
      'an output that nothing makes',
      () => {
        const model = chain();
        return written(model, { operators: [model.operators[0]] });
      },
      'invalid-model',
      'output tensor 2 "z" is made by no operator',
    ],
    [
      'a shape that the operator does not make',
      () => {
        const model = chain();
        return written(model, { tensors: [...model.tensors.slice(0, 2), { name: 'z', shape: [4, 1] }] });
      },
      'invalid-model',
      'operator 1 (ABS) makes tensor 2 "z" of shape [1,4], the file declares [4,1]',
    ],
    [
      'a stride of 0',
      () => {
        const model = new ModelBuilder();
        const x = model.input('x', [1, 4, 4, 1]);
        const [w, b] = [model.floats([1, 1, 1, 1], Float32Array.of(1)), model.floats([1], Float32Array.of(1))];
        model.output('y', 'CONV_2D', [x, w, b], [[1, 4, 4, 1]], { Conv2D: { padding: 0, strideWidth: 1 } });
        return model.bytes();
      },
      'invalid-model',
      'operator 0 (CONV_2D) "y": stride 0×1 must be positive',
    ],
    [
      'weights for other channels',
      () => {
        const model = new ModelBuilder();
        const x = model.input('x', [1, 4, 4, 3]);
        const [w, b] = [model.floats([1, 1, 1, 2], Float32Array.of(1, 2)), model.floats([1], Float32Array.of(1))];
        model.output('y', 'CONV_2D', [x, w, b], [[1, 4, 4, 1]], {
          Conv2D: { padding: 0, strideWidth: 1, strideHeight: 1 },
        });
        return model.bytes();
      },
      'invalid-model',
      'operator 0 (CONV_2D) "y": 3 input channels do not divide by the 2 of weights [1,1,1,2]',
    ],
    [
      'the options of another operator',
      () => {
        const model = new ModelBuilder();
        const x = model.input('x', [1, 4, 4, 3]);
        model.output('y', 'MAX_POOL_2D', [x], [[1, 4, 4, 3]], { Mul: {} });
        return model.bytes();
      },
      'invalid-model',
      'operator 0 (MAX_POOL_2D) "y": carries options of type 21, Pool2DOptions are 5',
    ],
    [
      'an input without a fixed size',
      () => {
        const model = new ModelBuilder();
        const x = model.input('x', [1, -1, 4, 3]);
        model.output('y', 'NEG', [x], [[1, -1, 4, 3]]);
        return model.bytes();
      },
      'unsupported',
      'input "x" has the shape [1,-1,4,3]',
    ],
  ];
  it.each(cases)('%s', (_, make, code, message) => {
    const error = failure(make());
    expect(error.message).toContain(message);
    expect(error.code).toBe(code);
  });
});

describe('what is not supported', () => {
  it('is listed, all of it', () => {
    const model = new ModelBuilder();
    const x = model.input('x', [1, 4, 4, 2]);
    const [a] = model.apply('a', 'RFFT2D', [x], [[1, 4, 4, 2]]);
    const [b] = model.apply('b', 'ABS', [a], [[1, 4, 4, 2]]);
    const [c] = model.apply('c', 'GELU', [b], [[1, 4, 4, 2]], { Gelu: { approximate: 1 } });
    const [d] = model.apply('d', 'CUSTOM MaxUnpooling2D', [c], [[1, 10, 4]]);
    const [e] = model.apply('e', '200', [d], [[1, 10, 4]]);
    const integers = model.apply('n', 'CAST', [e], [[1, 10, 4]], undefined, { type: 'int32' });
    model.output('f', 'ADD', [e, integers[0]], [[1, 10, 4]], { Add: { activation: 5 } });
    const error = failure(model.bytes());
    expect(error.code).toBe('unsupported');
    expect(error.message.split('\n')).toEqual([
      'bad.tflite: 5 operators are not supported:',
      '  operator 0 "a" (RFFT2D): there is no such operator here',
      '  operator 2 "c" (GELU): the tanh approximation of GELU',
      '  operator 3 "d" (CUSTOM (MaxUnpooling2D)): there is no such operator here',
      '  operator 4 "e" (operator 200): there is no such operator here',
      '  operator 6 "f" (ADD): fused activation SIGN_BIT',
    ]);
  });

  it('covers arithmetic on integers', () => {
    const model = new ModelBuilder();
    const x = model.input('x', [4], { type: 'int32' });
    model.output('y', 'ADD', [x, model.integers([4], [1, 2, 3, 4])], [[4]], { Add: {} });
    expect(failure(model.bytes()).message).toContain('operator 0 "y" (ADD): it computes with int32 numbers');
  });

  it('covers variables and a bias that is computed', () => {
    const model = new ModelBuilder();
    const x = model.input('x', [1, 4]);
    const w = model.input('w', [3, 4]);
    const b = model.input('b', [3]);
    const state = model.add({ name: 'state', shape: [1, 4], isVariable: true });
    model.output('y', 'FULLY_CONNECTED', [x, w, b], [[1, 3]], { FullyConnected: {} });
    model.output('z', 'ADD', [x, state], [[1, 4]], { Add: {} });
    expect(failure(model.bytes()).message.split('\n').slice(1)).toEqual([
      '  operator 0 "y" (FULLY_CONNECTED): the bias must be constant',
      '  operator 1 "z" (ADD): tensor 3 "state" is a variable',
    ]);
  });
});

describe('what is noted', () => {
  it('a dynamic batch, and further subgraphs', () => {
    const model = new ModelBuilder();
    const x = model.input('x', [1, 4], { signature: [-1, 4] });
    model.output('y', 'NEG', [x], [[1, 4]]);
    expect(importTflite(written(model, { moreSubgraphs: 2 }), 'dynamic.tflite').notes).toEqual([
      'input "x" is declared [-1,4]; it runs as [1,4]',
      'only the first of 3 subgraphs is read',
    ]);
  });

  it('repeated and empty names are told apart', () => {
    const model = new ModelBuilder();
    const x = model.input('', [1, 4]);
    const [a] = model.apply('same', 'NEG', [x], [[1, 4]]);
    const [b] = model.apply('same', 'ABS', [a], [[1, 4]]);
    model.outputs.push(a, b);
    const graph = importTflite(model.bytes(), 'names.tflite');
    expect(new Set(graph.nodes.map(({ name }) => name)).size).toBe(2);
    expect(graph.outputs.map(({ name }) => name)).toEqual(['same', 'same#2']);
    expect(graph.inputs[0].value).not.toBe('');
  });
});

describe('damage', () => {
  const face = new Uint8Array(readFileSync(sparseFace));
  it('truncation at every eighth byte', () => {
    for (let length = 0; length < face.length; length += 8) {
      const start = cpuMs();
      expect(failure(face.subarray(0, length)).code, `${length} bytes`).toBe('invalid-model');
      expectCpuBelow(start, 5000);
    }
  });

  it('any other byte', () => {
    let refused = 0;
    let state = 1;
    const random = (below: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const small = written(chain());
    for (let i = 0; i < 3000; i++) {
      const bytes = small.slice();
      for (let k = random(4); k >= 0; k--) bytes[random(bytes.length)] = random(256);
      try {
        importTflite(bytes, 'bad.tflite');
      } catch (error) {
        // Whatever is refused is refused on purpose.
        if (!(error instanceof FiligreeError)) throw error;
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(500);
  });

  it('operators that share one long list of inputs are refused soon', () => {
    const model = new ModelBuilder();
    const x = model.input('x', [1, 4]);
    const inputs = Array.from({ length: 20_000 }, () => x);
    model.output('y', 'CONCATENATION', inputs, [[1, 80_000]], { Concatenation: { axis: 1 } });
    expect(importTflite(model.bytes(), 'wide.tflite').nodes).toHaveLength(1);
    const start = cpuMs();
    expect(failure(written(model, { repeatOperators: 20_000 })).message).toContain('tables overlap so often');
    expectCpuBelow(start, 5000);
  });
});
