// Files that are not what they claim to be, or that need something, end in one FiligreeError that says what and where.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { importModel } from '../../../src/compile.ts';
import { FiligreeError, type FiligreeErrorCode } from '../../../src/errors.ts';
import { int64Tensor, type ModelSpec, type TensorSpec } from '../../../src/export/onnx/protobuf.ts';
import { importOnnx, type OnnxOptions } from '../../../src/import/onnx/index.ts';
import { describeWithData } from '../../data.ts';
import { randomFloats } from '../../kernels/wasm.ts';
import { OnnxBuilder } from './model.ts';
import { operatorCases } from './cases/index.ts';

function failure(bytes: Uint8Array, options?: OnnxOptions): FiligreeError {
  try {
    importOnnx(bytes, 'bad.onnx', options);
  } catch (error) {
    expect(error).toBeInstanceOf(FiligreeError);
    expect((error as Error).message.startsWith('bad.onnx: ')).toBe(true);
    return error as FiligreeError;
  }
  throw new Error('imported without an error');
}

/** y = relu(conv(x)), z = y + c. */
function small(): OnnxBuilder {
  const m = new OnnxBuilder(13);
  const conv = m.node('Conv', [m.input([1, 2, 5, 5]), m.floats([3, 2, 3, 3]), m.floats([3])], { pads: [1, 1, 1, 1] });
  m.output(m.node('Add', [m.node('Relu', [conv]), m.floats([1, 3, 1, 1])]));
  return m;
}

const tensor = (more: Partial<TensorSpec>): TensorSpec => ({ name: 'weights', type: 1, dims: [2, 2], ...more });

/** x + a tensor. */
function withTensor(more: Partial<TensorSpec>): Uint8Array {
  const m = new OnnxBuilder(13);
  m.output(m.node('Add', [m.input([2, 2]), m.tensor(tensor(more))]));
  return m.bytesOfModel();
}

/** A model of one node. */
function one(op: string, build: (m: OnnxBuilder) => string[], attributes = {}, opset = 13): Uint8Array {
  const m = new OnnxBuilder(opset);
  return m.output(m.node(op, build(m), attributes)).bytesOfModel();
}

const changed = (model: Partial<ModelSpec>, graph = {}) => small().bytesOfModel(graph, model);
const sixteen = new Uint8Array(16);

describe('not a model', () => {
  it.each([
    ['nothing', new Uint8Array(0), 'bad.onnx: the file is empty'],
    ['text', new TextEncoder().encode('This is not a model at all.'), 'bad.onnx: '],
    ['zeros', new Uint8Array(64), 'not a protobuf field'],
    ['a model without a graph', Uint8Array.of(8, 8), 'not an ONNX model: it has no graph'],
  ])('%s', (_, bytes, message) => {
    const error = failure(bytes);
    expect(error.code).toBe('invalid-model');
    expect(error.message).toContain(message);
  });

  it('is told from TFLite and from anything else', () => {
    expect(importModel(small().bytesOfModel(), 'good.onnx').nodes).toHaveLength(3);
    expect(() => importModel(new TextEncoder().encode('hello'), 'a.txt')).toThrow(
      'a.txt: neither an ONNX nor a TFLite',
    );
  });
});

it('an empty name after the operands of a constant is not an operand', () => {
  const bytes = one('Reshape', (m) => [m.input([6]), m.node('Div', [m.int64s([12, 6]), m.int64s([4, 3]), ''])]);
  expect(importOnnx(bytes, 'good.onnx').nodes.map(({ attributes }) => attributes)).toEqual([{ shape: [3, 2] }]);
});

describe('contradictions', () => {
  const cases: [string, () => Uint8Array, FiligreeErrorCode, string][] = [
    ['no opset', () => changed({ opsets: {} }), 'invalid-model', 'names no opset of ai.onnx; opsets 7 to 22 are read'],
    [
      'an old opset',
      () => changed({ opsets: { '': 6 } }),
      'unsupported',
      'uses opset 6 of ai.onnx; opsets 7 to 22 are read: convert',
    ],
    [
      'a future opset',
      () => changed({ opsets: { '': 23 } }),
      'unsupported',
      'uses opset 23 of ai.onnx; opsets 7 to 22 are read: export it again with opset 22 or lower',
    ],
    [
      'less data than the shape wants',
      () => withTensor({ raw: new Uint8Array(12) }),
      'invalid-model',
      'initializer "weights": has 12 bytes, shape [2,2] of float32 wants 16 bytes',
    ],
    [
      'more data than the shape wants',
      () => withTensor({ floats: [1, 2, 3, 4, 5] }),
      'invalid-model',
      'initializer "weights": has 5 numbers, shape [2,2] of float32 wants 4 numbers',
    ],
    ['no data', () => withTensor({}), 'invalid-model', 'initializer "weights": has 0 numbers'],
    [
      'a negative size',
      () => withTensor({ dims: [-2, 2], raw: sixteen }),
      'invalid-model',
      'initializer "weights": shape [-2,2]',
    ],
    [
      'an absurd size',
      () => withTensor({ dims: [65536, 65536], raw: sixteen }),
      'invalid-model',
      'initializer "weights": shape [65536,65536] must hold sizes of at most 2147483647',
    ],
    [
      'a size near 2⁶³',
      () => withTensor({ dims: [2 ** 62], raw: sixteen }),
      'invalid-model',
      'initializer "weights": shape',
    ],
    [
      'an unknown element type',
      () => withTensor({ type: 77, raw: sixteen }),
      'invalid-model',
      'unknown element type 77',
    ],
    [
      'strings',
      () => withTensor({ type: 8 }),
      'unsupported',
      'initializer "weights": tensors of type string cannot be read',
    ],
    [
      'a result made twice',
      () => changed({}, { nodes: [...small().nodes, small().nodes[0]] }),
      'invalid-model',
      'node "Conv0" (Conv) makes "Conv0", which node "Conv0" (Conv) gives already',
    ],
    [
      'a missing tensor',
      () => changed({}, { initializers: [] }),
      'invalid-model',
      'node "Conv0" (Conv) reads "c0", which no node, input or initializer gives',
    ],
    [
      'a missing output',
      () => changed({}, { outputs: [{ name: 'nowhere', type: 1 }] }),
      'invalid-model',
      'output "nowhere" is made by no node',
    ],
    ['no outputs', () => changed({}, { outputs: [] }), 'invalid-model', 'the graph has no outputs'],
    [
      'two initializers of one name',
      () => changed({}, { initializers: [tensor({ raw: sixteen }), tensor({ raw: sixteen })] }),
      'invalid-model',
      'two initializers are named "weights"',
    ],
    [
      'shapes that do not fit',
      () => one('Add', (m) => [m.input([2, 3]), m.input([4])]),
      'invalid-model',
      'node "Add0" (Add): shapes [2,3] and [4] do not broadcast',
    ],
    [
      'an axis that is not there',
      () => one('Softmax', (m) => [m.input([2, 3])], { axis: 2 }),
      'invalid-model',
      'node "Softmax0" (Softmax): axis 2 of a tensor of rank 2',
    ],
    [
      'an attribute of another type',
      () => one('Softmax', (m) => [m.input([2, 3])], { axis: 'one' }),
      'invalid-model',
      'attribute "axis" is STRING, must be INT',
    ],
    [
      'an operand that is missing, of constants',
      () => one('Div', (m) => [m.int64s([6]), '', '']),
      'invalid-model',
      'node "Div0" (Div): needs 2 inputs, has 1',
    ],
    [
      'an operand too many, of constants',
      () => one('Less', (m) => [m.int64s([6]), m.int64s([2]), m.int64s([1])]),
      'invalid-model',
      'needs 2 inputs, has 3',
    ],
    [
      'a missing attribute',
      () => one('Concat', (m) => [m.input([2, 3])]),
      'invalid-model',
      'attribute "axis" is missing',
    ],
    [
      'a missing input',
      () => one('Conv', (m) => [m.input([1, 2, 4, 4])]),
      'invalid-model',
      'node "Conv0" (Conv): input 1 is missing',
    ],
    [
      'a reshape to another count',
      () => one('Reshape', (m) => [m.input([2, 3]), m.int64s([4, -1])]),
      'invalid-model',
      'shape [2,3] cannot become [4,1.5]',
    ],
    [
      'an index out of range',
      () => one('Gather', (m) => [m.input([2, 3]), m.int64s([7])]),
      'invalid-model',
      'index 7 along axis 0 of shape [2,3]',
    ],
    [
      'an absurd result',
      () => one('Pad', (m) => [m.input([2, 3]), m.int64s([0, 0, 2 ** 20, 2 ** 20])]),
      'invalid-model',
      'node "Pad0" (Pad): makes a tensor of shape [1048578,1048579]',
    ],
    [
      'an absurd constant',
      () => one('ConstantOfShape', (m) => [m.int64s([2 ** 15, 2 ** 15])]),
      'invalid-model',
      'node "ConstantOfShape0" (ConstantOfShape): the constants up to here are too large for the size of the file',
    ],
    [
      'an endless range',
      () => one('Range', (m) => [m.int64s([0], []), m.int64s([1], []), m.int64s([0], [])]),
      'invalid-model',
      'a range from 0 to 1 in steps of 0',
    ],
    [
      'a constant outside its sparse shape',
      () =>
        changed(
          {},
          {
            nodes: [{ op: 'Add', inputs: ['x0', 's'], outputs: ['Add2'] }],
            sparseInitializers: [
              { dims: [3], values: { name: 's', type: 1, dims: [1], floats: [1] }, indices: int64Tensor('', [1], [9]) },
            ],
          },
        ),
      'invalid-model',
      'value 0 lies outside shape [3]',
    ],
  ];
  it.each(cases)('%s', (_, make, code, message) => {
    const error = failure(make());
    expect(error.message).toContain(message);
    expect(error.code).toBe(code);
  });

  it('a cycle', () => {
    const nodes = [
      { op: 'Add', name: 'first', inputs: ['x0', 'b'], outputs: ['a'] },
      { op: 'Relu', name: 'second', inputs: ['a'], outputs: ['b'] },
    ];
    const error = failure(changed({}, { nodes, outputs: [{ name: 'b', type: 1 }] }));
    expect(error.code).toBe('invalid-model');
    expect(error.message).toBe(
      'bad.onnx: nodes need each other\'s results: node "second" (Relu) reads from node "first" (Add) reads from node "second" (Relu)',
    );
  });

  it('nodes out of order are put in order', () => {
    const { nodes } = small();
    const graph = importOnnx(changed({}, { nodes: nodes.toReversed() }), 'ok.onnx');
    expect(graph.nodes.map(({ op }) => op)).toEqual(['conv2d', 'unary', 'binary']);
  });
});

describe('unsupported operators', () => {
  it('are all listed, by name, once each', () => {
    const m = new OnnxBuilder(13);
    const x = m.input([1, 4, 8, 8]);
    const stft = m.node('DeformConv', [x, x]);
    const conv = m.node('Conv', [stft, m.floats([2, 4, 1, 1])]);
    const cubic = m.node('Resize', [x, '', m.floats([4], [1, 1, 2, 2])], { mode: 'cubic' });
    const top = m.node('Det', [m.node('Relu', [conv])]);
    const custom = m.node('com.microsoft.Attention', [x]);
    for (const output of [cubic, top, custom, m.node('NonMaxSuppression', [x])]) m.output(output);
    const error = failure(m.bytesOfModel());
    expect(error.code).toBe('unsupported');
    expect(error.message.split('\n')).toEqual([
      'bad.onnx: 5 nodes are not supported:',
      '  node "DeformConv0" (DeformConv): there is no such operator here',
      '  node "Resize2" (Resize): mode "cubic"',
      '  node "Det4" (Det): there is no such operator here',
      '  node "Attention5" (com.microsoft.Attention): there is no such operator here',
      '  node "NonMaxSuppression6" (NonMaxSuppression): there is no such operator here',
      '  What to do: export the model without non-maximum suppression (Ultralytics: nms=False): detectors here do it themselves',
    ]);
  });

  it('share a line where operator and reason are the same, and the error says what to do', () => {
    const m = new OnnxBuilder(13);
    const x = m.input([1, 2, 4, 4]);
    const sampled = Array.from({ length: 5 }, () => m.node('DeformConv', [x, x]));
    m.output(m.node('NonMaxSuppression', [m.node('Add', [sampled[0], sampled[1]])]));
    for (const value of sampled) m.output(value);
    expect(failure(m.bytesOfModel()).message.split('\n')).toEqual([
      'bad.onnx: 6 nodes are not supported:',
      '  5 nodes (DeformConv): there is no such operator here: "DeformConv0", "DeformConv1", "DeformConv2" and 2 more',
      '  node "NonMaxSuppression6" (NonMaxSuppression): there is no such operator here',
      '  What to do: export the model without non-maximum suppression (Ultralytics: nms=False): detectors here do it themselves',
    ]);
  });

  it('are found behind others that make integers', () => {
    const m = new OnnxBuilder(13);
    const unknown = m.node('Unknown', [m.input([1, 2, 4, 4])]);
    const sum = m.node('Add', [unknown, m.int64s([1])]);
    m.output(m.node('Det', [sum]));
    m.values = [{ name: unknown, type: 7, shape: [3] }];
    const { message } = failure(m.bytesOfModel());
    expect(message).toContain('node "Unknown0" (Unknown)');
    expect(message).toContain('node "Det2" (Det)');
    expect(message).not.toContain('Add1');
  });

  it('are found after others by the shapes that the file records', () => {
    const m = new OnnxBuilder(13);
    const unknown = m.node('DeformConv', [m.input([1, 2, 4, 4])]);
    m.output(m.node('Resize', [unknown, '', m.floats([4], [1, 1, 2, 2])], { mode: 'cubic' }));
    m.values = [{ name: unknown, type: 1, shape: [1, 2, 4, 4] }];
    expect(failure(m.bytesOfModel()).message).toContain('node "Resize1" (Resize): mode "cubic"');
  });

  it('do not matter where nothing depends on them', () => {
    const m = small();
    m.node('Det', ['x0']);
    expect(importOnnx(m.bytesOfModel(), 'ok.onnx').nodes).toHaveLength(3);
  });

  it('branches, loops and functions of the file', () => {
    const graph = { name: 'then', nodes: [], inputs: [], outputs: [] };
    const m = new OnnxBuilder(13);
    m.output('y');
    const nodes = [
      { op: 'If', name: 'choice', inputs: [m.input([1])], outputs: ['y'], attributes: { then_branch: { graph } } },
    ];
    expect(failure(m.bytesOfModel({ nodes })).message).toContain('node "choice" (If): there is no such operator here');
  });

  it('operators that are supported on constants only', () => {
    const error = failure(one('ReduceProd', (m) => [m.input([2, 3])]));
    expect(error.message).toContain(
      'node "ReduceProd0" (ReduceProd): it is supported on constants only, but its input is computed',
    );
  });
});

describe('integers that are computed', () => {
  it('are refused where float32 may not hold them', () => {
    const m = new OnnxBuilder(13);
    const x = m.node('Cast', [m.input([4])], { to: 7 });
    m.output(m.node('Cast', [m.node('Add', [x, m.int64s([1])])], { to: 1 }));
    const { code, message } = failure(m.bytesOfModel());
    expect(code).toBe('unsupported');
    expect(message).toContain('node "Add1" (Add): it computes with int64 numbers that may be 2²⁴ or more');
  });

  it('are refused where a product may grow too large', () => {
    const m = new OnnxBuilder(13);
    const index = m.node('ArgMax', [m.input([5000])]);
    const product = m.node('Mul', [index, m.int64s([5000])]);
    m.output(m.node('Cast', [product], { to: 1 }));
    const { message } = failure(m.bytesOfModel());
    expect(message).toContain('node "Mul1" (Mul): it computes with int64 numbers');
  });
});

describe('external data', () => {
  const external = { location: 'weights.bin', offset: '4', length: '16' };

  it('is read through the option', () => {
    const weights = Float32Array.of(9, 1, 2, 3, 4);
    const asked: string[] = [];
    const graph = importOnnx(withTensor({ external }), 'ok.onnx', {
      externalData: (path) => {
        asked.push(path);
        return new Uint8Array(weights.buffer);
      },
    });
    expect(asked).toEqual(['weights.bin']);
    expect(graph.values.get('weights')!.data).toEqual(weights.slice(1));
  });

  const cases: [string, OnnxOptions['externalData'], Record<string, string>, FiligreeErrorCode, string][] = [
    [
      'no option',
      undefined,
      external,
      'not-found',
      'initializer "weights": its data is in the file "weights.bin": give the option externalData',
    ],
    [
      'no file',
      () => undefined,
      external,
      'not-found',
      'initializer "weights": its data is in the file "weights.bin": it was not found',
    ],
    [
      'a short file',
      () => sixteen,
      external,
      'invalid-model',
      'its data (offset 4, length 16) lies outside the 16 bytes of "weights.bin"',
    ],
    [
      'the wrong length',
      () => sixteen,
      { ...external, offset: '0', length: '8' },
      'invalid-model',
      'has 8 bytes, shape [2,2] of float32 wants 16',
    ],
    [
      'a path upwards',
      () => sixteen,
      { ...external, location: '../weights.bin' },
      'invalid-model',
      '"../weights.bin", which is not a path beside the model',
    ],
    [
      'an absolute path',
      () => sixteen,
      { ...external, location: '/etc/passwd' },
      'invalid-model',
      'not a path beside the model',
    ],
  ];
  it.each(cases)('%s', (_, externalData, entry, code, message) => {
    const error = failure(withTensor({ external: entry }), { externalData });
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
  });
});

/** Every truncated file is refused. */
function expectCutsToFail(bytes: Uint8Array, lengths: Iterable<number>): void {
  for (const length of lengths)
    expect(failure(bytes.subarray(0, length)).code, `${length} bytes`).not.toBe('invalid-argument');
}

describe('damage', () => {
  const bytes = small().bytesOfModel({}, { producer: 'tests', metadata: { names: '{}' } });

  it('a small file cut at every byte up to its opset', () => {
    // Behind the graph and the opset nothing is missed but metadata.
    const end = bytes.length - Buffer.from(bytes).reverse().indexOf(0x42) - 1;
    expectCutsToFail(
      bytes,
      Array.from({ length: end }, (_, i) => i),
    );
    for (let length = end; length < bytes.length; length++) {
      try {
        importOnnx(bytes.subarray(0, length), 'cut.onnx');
      } catch (error) {
        expect(error).toBeInstanceOf(FiligreeError);
      }
    }
  });

  it('any byte changed gives a graph or a FiligreeError', () => {
    const random = randomFloats(1);
    const values = Uint8Array.from(random(bytes.length * 6), (v) => Math.floor((v + 1) * 128));
    for (let i = 0; i < values.length; i++) {
      const copy = bytes.slice();
      copy[i % bytes.length] = i < bytes.length ? 0xff : values[i];
      try {
        importOnnx(copy, 'changed.onnx');
      } catch (error) {
        if (!(error instanceof FiligreeError)) throw error;
        expect(error.message.startsWith('changed.onnx: ')).toBe(true);
      }
    }
  });
});

describe('every operator, damaged', () => {
  it('gives a graph or a FiligreeError', () => {
    const random = randomFloats(2);
    /** An integer from 0 to n − 1. */
    const below = (n: number) => Math.min(Math.floor(((random(1)[0] + 1) / 2) * n), n - 1);
    const bytesThatHurt = [0, 1, 2, 3, 64, 127, 128, 255];
    for (const { opset, build } of operatorCases) {
      const m = new OnnxBuilder(opset);
      for (const name of [build(m)].flat()) m.output(name);
      const whole = m.bytesOfModel();
      for (let k = 0; k < 20; k++) {
        const copy = whole.slice();
        for (let j = 0; j <= k % 3; j++) copy[below(copy.length)] = bytesThatHurt[below(bytesThatHurt.length)];
        try {
          importOnnx(copy, 'changed.onnx');
        } catch (error) {
          if (!(error instanceof FiligreeError)) throw error;
        }
      }
    }
  });
});

describeWithData('a real file, cut', 'models/yolox_nano_coco/yolox_nano.onnx', (file) => {
  it('at every 200th of its length', () => {
    const bytes = new Uint8Array(readFileSync(file));
    expectCutsToFail(
      bytes,
      Array.from({ length: 200 }, (_, i) => Math.floor((i * bytes.length) / 200)),
    );
  });
});
