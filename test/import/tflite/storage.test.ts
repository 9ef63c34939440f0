// How constants are stored: types, quantisation, sparse encodings.
import { describe, expect, it } from 'vitest';
import { FiligreeError } from '../../../src/errors.ts';
import type { Graph } from '../../../src/graph/graph.ts';
import { halfToFloat } from '../../../src/formats/half.ts';
import { importTflite } from '../../../src/import/tflite/index.ts';
import { elementCount } from '../../../src/tensor.ts';
import { randomFloats } from '../../kernels/wasm.ts';
import { ModelBuilder } from './model.ts';
import { type DimensionSpec, type IndexWidth, type TensorSpec, writeTflite } from './writer.ts';

/** Constants of the graph by name. */
function constant(graph: Graph, name: string): number[] {
  return Array.from(graph.values.get(name)!.data as Float32Array);
}

/** x (…) + constant; gives the graph. */
function added(stored: TensorSpec, file = 'test.tflite'): Graph {
  const model = new ModelBuilder();
  const x = model.input('x', stored.shape);
  const c = model.add({ name: 'c', ...stored });
  model.output('sum', 'ADD', [x, c], [stored.shape], { Add: {} });
  return importTflite(model.bytes(), file);
}

describe('stored types', () => {
  it.each([
    ['float16', Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7bff), [1, -2, 2 ** -24, 65504]],
    ['bfloat16', Uint16Array.of(0x3f80, 0xc000, 0x3f00, 0x4049), [1, -2, 0.5, 3.140625]],
    ['float64', Float64Array.of(1, -2, 0.25, 3), [1, -2, 0.25, 3]],
  ] as const)('%s', (type, data, expected) => {
    const graph = added({ shape: [4], type, data });
    expect(constant(graph, 'c')).toEqual(expected);
    expect(graph.notes).toEqual([`1 constant tensor is stored as ${type}; it is dequantised to float32`]);
  });

  it('all finite halves', () => {
    for (const [bits, value] of [
      [0, 0],
      [0x0400, 2 ** -14],
      [0x03ff, 1023 * 2 ** -24],
      [0x3555, 0.333251953125],
      [0x7c00, Infinity],
      [0xfc00, -Infinity],
    ]) {
      expect(halfToFloat(bits)).toBe(value);
    }
    expect(halfToFloat(0x8000)).toBe(-0);
    expect(halfToFloat(0x7e00)).toBeNaN();
  });

  it('uint8 with one scale', () => {
    const graph = added({
      shape: [3],
      type: 'uint8',
      data: Uint8Array.of(0, 128, 255),
      quantization: { scales: [0.5], zeroPoints: [128] },
    });
    expect(constant(graph, 'c')).toEqual([-64, 0, 63.5]);
  });

  it('int8 with a scale for each index of an axis', () => {
    const graph = added({
      shape: [2, 3, 2],
      type: 'int8',
      data: Int8Array.of(1, 2, 3, 4, 5, 6, -1, -2, -3, -4, -5, -6),
      quantization: { scales: [1, 2, 4], zeroPoints: [0, 1, 2], axis: 1 },
    });
    expect(constant(graph, 'c')).toEqual([1, 2, 4, 6, 12, 16, -1, -2, -8, -10, -28, -32]);
  });

  it('int16 and int64', () => {
    const quantization = { scales: [0.25] };
    expect(constant(added({ shape: [2], type: 'int16', data: Int16Array.of(-300, 4), quantization }), 'c')).toEqual([
      -75, 1,
    ]);
    expect(constant(added({ shape: [2], type: 'int64', data: BigInt64Array.of(-8n, 2n), quantization }), 'c')).toEqual([
      -2, 0.5,
    ]);
  });

  it('data at an offset from the start of the file', () => {
    const model = new ModelBuilder();
    const x = model.input('x', [3]);
    const c = model.add({ name: 'c', shape: [3], data: Float32Array.of(1, 2, 3) });
    model.output('sum', 'ADD', [x, c], [[3]], { Add: {} });
    const spec = { ...model, tensors: model.tensors, operators: model.operators, outsideBuffers: true };
    expect(constant(importTflite(writeTflite(spec), 'big.tflite'), 'c')).toEqual([1, 2, 3]);
  });
});

describe('quantised networks', () => {
  it('derive the bias scale from input and weights, per channel', () => {
    const model = new ModelBuilder();
    const real = { type: 'int8', quantization: { scales: [0.5], zeroPoints: [3] } } as const;
    const x = model.input('x', [1, 2, 2, 1], real);
    const weights = model.add({
      name: 'w',
      shape: [2, 1, 1, 1],
      type: 'int8',
      data: Int8Array.of(4, -4),
      quantization: { scales: [0.25, 2], zeroPoints: [0, 0] },
    });
    const bias = model.add({ name: 'b', shape: [2], type: 'int32', data: Int32Array.of(8, 8) });
    const [y] = model.apply(
      'y',
      'CONV_2D',
      [x, weights, bias],
      [[1, 2, 2, 2]],
      { Conv2D: { padding: 1, strideWidth: 1, strideHeight: 1, activation: 3 } },
      real,
    );
    const [z] = model.apply('z', 'DEQUANTIZE', [y], [[1, 2, 2, 2]]);
    model.outputs.push(z);
    const graph = importTflite(model.bytes(), 'quantised.tflite');
    expect(constant(graph, 'w')).toEqual([1, -8]);
    expect(constant(graph, 'b')).toEqual([1, 8]);
    expect(graph.nodes.map(({ op }) => op)).toEqual(['conv2d']);
    expect(graph.nodes[0].attributes).toMatchObject({ activation: { fn: 'clamp', alpha: 0, beta: 6 } });
    expect(graph.inputs).toEqual([
      { name: 'x', value: 'x', dtype: 'int8', permutation: [0, 2, 3, 1], quantization: { scale: 0.5, zeroPoint: 3 } },
    ]);
    expect(graph.outputs).toEqual([{ name: 'z', value: 'y', dtype: 'float32', permutation: [0, 2, 3, 1] }]);
    expect(graph.notes[0]).toMatch(/^activations are quantised in the file \(int8\); they run as float32 here/);
    expect(graph.notes.slice(1)).toEqual([
      '1 constant tensor is stored as int8; it is dequantised to float32',
      '1 constant tensor is stored as int32; it is dequantised to float32',
    ]);
  });
});

/** Stores a dense array sparsely: each dimension of the traversal dense or CSR. */
function encode(
  dense: Float32Array,
  shape: readonly number[],
  { order, blockMap = [], blockSizes = [], formats }: Encoding,
): { values: number[]; dimensions: DimensionSpec[] } {
  const rank = shape.length;
  const block = shape.map((_, axis) => blockSizes[blockMap.indexOf(axis)] ?? 1);
  const sizes = order.map((d) => (d < rank ? shape[d] / block[d] : blockSizes[d - rank]));
  const strides = shape.map((_, axis) => elementCount(shape.slice(axis + 1)));
  const steps = order.map((d) => (d < rank ? strides[d] * block[d] : strides[blockMap[d - rank]]));
  const anyBelow = (level: number, offset: number): boolean => {
    if (level === order.length) return dense[offset] !== 0;
    for (let i = 0; i < sizes[level]; i++) if (anyBelow(level + 1, offset + i * steps[level])) return true;
    return false;
  };
  let places = [0];
  const dimensions = formats.map((format, level): DimensionSpec => {
    const next: number[] = [];
    const segments = [0];
    const indices: number[] = [];
    for (const place of places) {
      for (let i = 0; i < sizes[level]; i++) {
        const offset = place + i * steps[level];
        if (format !== 'dense' && !anyBelow(level + 1, offset)) continue;
        next.push(offset);
        indices.push(i);
      }
      segments.push(indices.length);
    }
    places = next;
    return format === 'dense' ? { size: sizes[level] } : { segments, indices, width: format };
  });
  return { values: places.map((place) => dense[place]), dimensions };
}

interface Encoding {
  order: number[];
  blockMap?: number[];
  blockSizes?: number[];
  formats: ('dense' | IndexWidth)[];
}

describe('sparse encodings', () => {
  const shape = [8, 3, 2, 12];
  const random = randomFloats(3);
  /** A quarter of the values, small integers, in whole runs of 4 along the last axis. */
  const dense = random(elementCount(shape)).map((_, i, all) => (all[i & ~3] > 0.5 ? Math.round(100 * all[i]) || 1 : 0));

  const encodings: [string, Encoding][] = [
    ['CSR last', { order: [0, 1, 2, 3], formats: ['dense', 'dense', 'dense', 'uint8'] }],
    ['CSR in uint16', { order: [0, 1, 2, 3], formats: ['dense', 'dense', 'dense', 'uint16'] }],
    ['CSR in int32', { order: [0, 1, 2, 3], formats: ['dense', 'dense', 'dense', 'int32'] }],
    ['CSR first', { order: [0, 1, 2, 3], formats: ['uint8', 'dense', 'dense', 'dense'] }],
    ['all CSR', { order: [0, 1, 2, 3], formats: ['uint8', 'uint16', 'int32', 'uint16'] }],
    ['another order', { order: [3, 1, 0, 2], formats: ['dense', 'uint8', 'dense', 'uint16'] }],
    ['all dense', { order: [2, 0, 3, 1], formats: ['dense', 'dense', 'dense', 'dense'] }],
    [
      'blocks of 1×4',
      {
        order: [0, 1, 2, 3, 4],
        blockMap: [3],
        blockSizes: [4],
        formats: ['dense', 'dense', 'dense', 'uint8', 'dense'],
      },
    ],
    [
      'blocks of 4×2, inner order swapped',
      {
        order: [0, 1, 2, 3, 5, 4],
        blockMap: [0, 3],
        blockSizes: [4, 2],
        formats: ['uint8', 'dense', 'dense', 'uint16', 'dense', 'dense'],
      },
    ],
  ];

  it.each(encodings)('%s', (_, encoding) => {
    const { values, dimensions } = encode(dense, shape, encoding);
    const sparsity = { traversalOrder: encoding.order, blockMap: encoding.blockMap, dimensions };
    const floats = added({ shape, data: Float32Array.from(values), sparsity });
    const nchw = Array.from({ length: dense.length }, (__, i) => {
      const [n, c, h, w] = [Math.floor(i / 72), Math.floor(i / 6) % 12, Math.floor(i / 2) % 3, i % 2];
      return dense[((n * 3 + h) * 2 + w) * 12 + c];
    });
    expect(constant(floats, 'c')).toEqual(nchw);
    const quantization = { scales: [1] };
    const int8 = added({ shape, type: 'int8', data: Int8Array.from(values), quantization, sparsity });
    expect(constant(int8, 'c')).toEqual(nchw);
  });

  it('weights that are all 0, and have no stored values', () => {
    const sparsity = {
      traversalOrder: [0, 1, 2, 3],
      dimensions: [
        { size: 2 },
        { size: 1 },
        { size: 1 },
        { segments: [0, 0, 0], indices: [], width: 'uint8' as const },
      ],
    };
    const graph = added({ shape: [2, 1, 1, 3], data: new Float32Array(), sparsity });
    expect(constant(graph, 'c')).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('float16, by way of DENSIFY and DEQUANTIZE', () => {
    const model = new ModelBuilder();
    const x = model.input('x', [1, 1, 1, 4]);
    const stored = model.add({
      shape: [2, 1, 1, 4],
      type: 'float16',
      data: Uint16Array.of(0x3c00, 0xc000, 0x4200),
      sparsity: {
        traversalOrder: [0, 1, 2, 3],
        dimensions: [
          { size: 2 },
          { size: 1 },
          { size: 1 },
          { segments: [0, 2, 3], indices: [0, 3, 1], width: 'uint8' },
        ],
      },
    });
    const [half] = model.apply('half', 'DENSIFY', [stored], [[2, 1, 1, 4]], undefined, { type: 'float16' });
    const [weights] = model.apply('weights', 'DEQUANTIZE', [half], [[2, 1, 1, 4]]);
    const bias = model.floats([2], Float32Array.of(1, 2));
    model.output('y', 'CONV_2D', [x, weights, bias], [[1, 1, 1, 2]], {
      Conv2D: { padding: 0, strideWidth: 1, strideHeight: 1 },
    });
    const graph = importTflite(model.bytes(), 'half.tflite');
    expect(graph.nodes.map(({ op }) => op)).toEqual(['conv2d']);
    expect(constant(graph, graph.nodes[0].inputs[1])).toEqual([1, 0, 0, -2, 0, 3, 0, 0]);
  });
});

describe('sparse encodings that are wrong', () => {
  type Sparsity = NonNullable<TensorSpec['sparsity']>;
  const csr = (segments: number[], indices: number[]): DimensionSpec => ({ segments, indices, width: 'int32' });
  const good: Sparsity = { traversalOrder: [0, 1], dimensions: [{ size: 2 }, csr([0, 2, 3], [0, 3, 1])] };
  const refused = (sparsity: Partial<Sparsity>, shape = [2, 4]) => {
    try {
      added({ shape, data: Float32Array.of(1, 2, 3), sparsity: { ...good, ...sparsity } }, 'bad.tflite');
    } catch (error) {
      expect(error).toBeInstanceOf(FiligreeError);
      expect((error as FiligreeError).code).toBe('invalid-model');
      return (error as Error).message;
    }
    throw new Error('imported');
  };

  it('good one is accepted', () => {
    const sparsity = good;
    expect(constant(added({ shape: [2, 4], data: Float32Array.of(1, 2, 3), sparsity }), 'c')).toEqual([
      1, 0, 0, 2, 0, 3, 0, 0,
    ]);
  });

  it.each([
    ['index past the end', { dimensions: [{ size: 2 }, csr([0, 2, 3], [0, 4, 1])] }, 'holds index 4, its size is 4'],
    ['negative index', { dimensions: [{ size: 2 }, csr([0, 2, 3], [-1, 3, 1])] }, 'holds index -1, its size is 4'],
    ['indices that fall', { dimensions: [{ size: 2 }, csr([0, 2, 3], [3, 0, 1])] }, 'do not ascend: 3, then 0'],
    ['indices that repeat', { dimensions: [{ size: 2 }, csr([0, 2, 3], [3, 3, 1])] }, 'do not ascend: 3, then 3'],
    ['segments from 1', { dimensions: [{ size: 2 }, csr([1, 2, 3], [0, 3, 1])] }, 'segments start at 1, not 0'],
    ['segments that fall', { dimensions: [{ size: 2 }, csr([0, 4, 3], [0, 3, 1])] }, 'segment bounds fall from 4 to 3'],
    [
      'segments that end early',
      { dimensions: [{ size: 2 }, csr([0, 2, 2], [0, 3, 1])] },
      'segments end at 2 of 3 indices',
    ],
    ['too few segments', { dimensions: [{ size: 2 }, csr([0, 3], [0, 1, 3])] }, '2 segment bounds for 2 segments'],
    [
      'too few values',
      { dimensions: [{ size: 2 }, csr([0, 2, 4], [0, 3, 1, 2])] },
      '3 values stored, the encoding wants 4',
    ],
    [
      'another dense size',
      { dimensions: [{ size: 3 }, csr([0, 2, 3], [0, 3, 1])] },
      'dense dimension 0 of 3; the shape wants 2',
    ],
    ['a traversal order with gaps', { traversalOrder: [0, 2] }, 'traversal order [0,2] is not a permutation'],
    [
      'a dimension too few',
      { dimensions: [{ size: 2 }] },
      'sparse encoding of 2 dimensions, 0 of them blocks, 1 described',
    ],
    [
      'blocks that do not divide',
      { traversalOrder: [0, 1, 2], blockMap: [1], dimensions: [{ size: 2 }, csr([0, 1, 1], [0]), { size: 3 }] },
      'blocks of 3 do not divide dimension 1 of shape [2,4]',
    ],
    [
      'a block map that names nothing',
      { traversalOrder: [0, 1, 2], blockMap: [2], dimensions: [{ size: 2 }, csr([0, 1, 1], [0]), { size: 2 }] },
      'block map [2]',
    ],
  ] satisfies [string, Partial<Sparsity>, string][])('%s', (_, sparsity, message) => {
    expect(refused(sparsity)).toContain('bad.tflite: tensor 1 "c": ');
    expect(refused(sparsity)).toContain(message);
  });

  it('a dense size that no memory holds', () => {
    expect(refused({}, [2 ** 16, 2 ** 15])).toMatch(
      /tensor 0 "x": shape \[65536,32768\] is not that of a tensor under 2 GiB/,
    );
  });
});
