import { describe, expect, it } from 'vitest';
import { layersOf } from '../../src/prune/layers.ts';
import { readGroups, readMasks, writeMasks } from '../../src/prune/patterns/mask-file.ts';
import { prepared } from '../../src/prune/prepare.ts';
import { prune } from '../../src/prune/prune.ts';
import { readSafetensors, writeSafetensors } from '../../src/formats/safetensors.ts';
import { Tensor } from '../../src/tensor.ts';
import { smallNetwork } from './networks.ts';

const file = (tensors: Record<string, Tensor>) =>
  writeSafetensors({ tensors: new Map(Object.entries(tensors)), metadata: {} });

describe('a safetensors file', () => {
  const tensors = new Map([
    ['bytes', new Tensor('uint8', [3], [1, 2, 3])],
    ['long', new Tensor('int64', [2], [-1, 2 ** 40])],
    ['floats', new Tensor('float32', [2, 2], [1, NaN, -Infinity, 0.1])],
    ['empty', new Tensor('int32', [0], [])],
  ]);
  const metadata = { why: 'a test' };

  it('holds what was written, from any place in memory', () => {
    const bytes = writeSafetensors({ tensors, metadata });
    expect(bytes).toEqual(writeSafetensors({ tensors, metadata }));
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    const read = readSafetensors(shifted.subarray(3), 'file');
    expect(read.metadata).toEqual(metadata);
    expect(Object.fromEntries(read.tensors)).toEqual(Object.fromEntries(tensors));
  });

  it('is refused when tensors share their data, which a small file could make large with', () => {
    const entry = { dtype: 'U8', shape: [4000], data_offsets: [0, 4000] };
    const header = JSON.stringify(Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`t${i}`, entry])));
    const bytes = new Uint8Array(8 + header.length + 4000);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
    bytes.set(new TextEncoder().encode(header), 8);
    expect(() => readSafetensors(bytes, 'file')).toThrow('shares its data with others');
  });

  it('is refused at any length that it is cut to, and never more than that', () => {
    const bytes = writeSafetensors({ tensors, metadata });
    for (let length = 0; length < bytes.length; length++) {
      expect(() => readSafetensors(bytes.slice(0, length), 'cut'), `${length}`).toThrow(/^cut: /);
    }
  });

  it.each([
    ['{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}', /tensor "a": dtype "F64" is not one of/],
    ['{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}', /tensor "a": its shape is \[-1\]/],
    ['{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}', /needs 4 bytes, is at \[4,0\] of 8/],
    ['{"a":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}', /needs 4 bytes, is at \[8,12\] of 8/],
    ['{"a":[]}', /"a" is not an object/],
    ['{"__metadata__":{"format":{"toString":1}}}', /__metadata__\.format is not a string/],
    [`{"__metadata__":{"format":${'['.repeat(1e5)}${']'.repeat(1e5)}}}`, /__metadata__\.format is not a string/],
    [`{"a":{"dtype":"U8","shape":${'['.repeat(1e5)}${']'.repeat(1e5)}}}`, /its shape is not a list of sizes/],
    ['{"a"', /its header is not JSON/],
    ['[1]', /not a safetensors file/],
  ])('%s is refused', (header, message) => {
    const bytes = new Uint8Array(8 + header.length + 8);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
    bytes.set(new TextEncoder().encode(header), 8);
    expect(() => readSafetensors(bytes, 'file')).toThrow(message);
  });
});

describe('a mask file', () => {
  it('gives masks back', async () => {
    const { graph, masks } = await prune(smallNetwork(), { sparsity: 0.5, include: ['head'] });
    const bytes = writeMasks(graph, masks, { pattern: 'unstructured', criterion: 'magnitude', seed: 3 });
    expect(readMasks(bytes, 'masks', prepared(smallNetwork(2)))).toEqual(masks);
    const { tensors, metadata } = readSafetensors(bytes, 'masks');
    expect(metadata).toEqual({ format: 'filigree-mask', pattern: 'unstructured', criterion: 'magnitude', seed: '3' });
    expect([...tensors.values()].map(({ dtype }) => dtype)).toEqual([...masks.keys()].map(() => 'uint8'));
    expect(tensors.get('conv2d2')!.shape).toEqual([32, 16, 1, 1]);
    const head = layersOf(graph).at(-1)!;
    expect(tensors.get(head.name)!.shape).toEqual([10, 16]);
  });

  const graph = prepared(smallNetwork());

  it.each([
    [{}, /f: has no masks/],
    [
      { other: new Tensor('uint8', [4]) },
      /f: mask and test do not fit: "other" is not a layer. Its layers are "conv2d0"/,
    ],
    [{ conv2d2: new Tensor('uint8', [16, 32, 1, 1]) }, /"conv2d2" is 16×32×1×1, the layer 32×16×1×1/],
    [
      { conv2d2: new Tensor('float32', [32, 16, 1, 1]) },
      /mask "conv2d2" must be U8 or BOOL of 0 and 1, has another type/,
    ],
    [{ conv2d2: new Tensor('uint8', [512], new Uint8Array(512).fill(2)) }, /has 2 at 0/],
  ])('is refused: %j', (tensors, message) => {
    expect(() => readMasks(file(tensors as Record<string, Tensor>), 'f', graph)).toThrow(message);
  });

  it('may hold groups', () => {
    const numbers = Int32Array.from({ length: 512 }, (_, i) => i >> 3);
    const grouping = readGroups(file({ conv2d2: new Tensor('int32', [32, 16, 1, 1], numbers) }), 'f', graph);
    const layers = layersOf(graph);
    expect(layers.map(grouping).filter(Boolean)).toEqual([numbers]);
    expect(() => readGroups(file({ conv2d2: new Tensor('float32', [512]) }), 'f', graph)).toThrow(/must be integers/);
  });
});
