import { describe, expect, it } from 'vitest';
import { readArtifact } from '../../src/artifact/read.ts';
import { writeArtifact } from '../../src/artifact/write.ts';
import { defaultCostModel } from '../../src/lower/cost.ts';
import { lowerGraph } from '../../src/compile/lower-graph.ts';
import { FiligreeError } from '../../src/errors.ts';
import type { Program } from '../../src/program/program.ts';
import { loadModel } from '../../src/runtime/load.ts';
import { Tensor } from '../../src/tensor.ts';
import { randomFloats } from '../kernels/wasm.ts';
import { oneNode } from '../program.ts';

/** A sparse pointwise convolution, 8 → 6 channels, on 5×5 pixels. */
function program(): Program {
  const random = randomFloats(11);
  const weights = random(48).map((w, i) => (i % 3 ? 0 : w));
  const attributes = { stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0], groups: 1 };
  const constants = [new Tensor('float32', [6, 8, 1, 1], weights), new Tensor('float32', [6], random(6))];
  const graph = oneNode('conv2d', attributes, [[1, 8, 5, 5]], constants);
  graph.metadata.labels = ['cat', 'dög'];
  graph.notes.push('a note');
  return lowerGraph(graph, defaultCostModel);
}

interface Header {
  __metadata__: { format: string; version: string; program: string };
  [tensor: string]: unknown;
}

const header = (bytes: Uint8Array): Header => {
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  return JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
};

/** The artifact with its program's JSON changed. */
function withProgram(bytes: Uint8Array, edit: (json: any) => void): Uint8Array {
  const old = header(bytes);
  const data = bytes.subarray(8 + Number(new DataView(bytes.buffer).getBigUint64(0, true)));
  const json = JSON.parse(old.__metadata__.program);
  edit(json);
  old.__metadata__.program = JSON.stringify(json);
  return pack(old, data);
}

function pack(json: object, data: Uint8Array): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(json));
  const start = Math.ceil((8 + text.length) / 64) * 64;
  const bytes = new Uint8Array(start + data.length).fill(0x20, 8, start);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - 8), true);
  bytes.set(text, 8);
  bytes.set(data, start);
  return bytes;
}

const refused = async (bytes: Uint8Array): Promise<FiligreeError> => {
  const error = await loadModel(bytes).then(
    () => new Error('loaded'),
    (e: Error) => e,
  );
  expect(error).toBeInstanceOf(FiligreeError);
  return error as FiligreeError;
};

describe('an artifact', () => {
  it('reads back as the program it was written from', () => {
    const original = program();
    expect(readArtifact(writeArtifact(original), 'test')).toEqual(original);
  });

  it('has the same bytes each time', () => {
    expect(writeArtifact(program())).toEqual(writeArtifact(program()));
  });

  it('is a safetensors file: tensors fill the data without holes, aligned to their elements', () => {
    const bytes = writeArtifact(program());
    const json = header(bytes);
    const start = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(start % 64).toBe(0);
    let end = 0;
    for (const [name, entry] of Object.entries(json)) {
      if (name === '__metadata__') continue;
      const { data_offsets, shape, dtype } = entry as { data_offsets: number[]; shape: number[]; dtype: string };
      const width = { F32: 4, U32: 4, I32: 4, F16: 2, U8: 1 }[dtype]!;
      expect(data_offsets).toEqual([end, end + width * shape[0]]);
      expect(end % width).toBe(0);
      end = data_offsets[1];
    }
    expect(start + end).toBe(bytes.length);
    for (const value of Object.values(json.__metadata__)) expect(typeof value).toBe('string');
  });

  // a Buffer's slice() is a view of what may be a part of a larger memory
  it.each([
    ['bytes', (length: number) => new Uint8Array(length)],
    ['a Buffer', (length: number) => Buffer.from(new ArrayBuffer(length + 9), 5, length)],
  ] as const)('loads from %s at any alignment', async (_, make) => {
    const bytes = writeArtifact(program());
    for (let shift = 0; shift < 4; shift++) {
      const moved: Uint8Array = make(bytes.length + shift);
      moved.set(bytes, shift);
      const model = await loadModel(moved.subarray(shift));
      expect(model.metadata.labels).toEqual(['cat', 'dög']);
      expect(model.info.notes).toEqual(['a note']);
      const output = await model.run({ x0: new Tensor('float32', [1, 8, 5, 5], new Float32Array(200).fill(1)) });
      expect(output.y0.data.every((v) => Number.isFinite(v as number) && v !== 0)).toBe(true);
      model.dispose();
    }
  });
});

describe('a damaged artifact', () => {
  const whole = writeArtifact(program());

  it('is refused when it ends at any byte', async () => {
    for (let length = 0; length < whole.length; length++) {
      expect((await refused(whole.slice(0, length))).code).toBe('invalid-model');
    }
  });

  it('is refused with the name of the field', async () => {
    const cases: [edit: (json: any) => void, message: RegExp][] = [
      [(j) => (j.buffers = 7), /buffers is 7, should be a list/],
      [(j) => (j.arenaBytes = -1), /arenaBytes is -1/],
      [(j) => (j.arenaBytes = 64), /buffers\[\d\]\.bytes is \d+, should be inside the arena of 64/],
      [(j) => (j.steps[0][0] = 'f32_none'), /steps\[0\]: no kernel named "f32_none"/],
      [(j) => (j.steps[0][0] = 'toString'), /no kernel named/],
      [(j) => (j.steps[0][1] = 9), /no layer 9/],
      [(j) => (j.steps[0][2] = 99), /steps\[0\].*: x is 99/],
      [(j) => j.steps[0].pop(), /steps\[0\]/],
      [(j) => j.steps[0].push(1), /steps\[0\].*numbers, should be/],
      [(j) => (j.inputs[0].at = [0, 1e9]), /inputs\[0\]\.at/],
      [(j) => (j.inputs[0].shape[1] = 100), /inputs\[0\]\.at/],
      [(j) => (j.inputs[0].dtype = 'float99'), /inputs\[0\]\.dtype is "float99"/],
      [(j) => (j.buffers.find((b: any) => b.form === 'spmm').values = 'no such'), /the name of a tensor/],
      [(j) => (j.buffers.find((b: any) => b.form === 'spmm').group = 3), /group is 3, should be 1, 2 or 4/],
      [(j) => (j.buffers.find((b: any) => b.form === 'spmm').rows = 5), /rows|counts/],
      [(j) => (j.buffers.find((b: any) => b.form === 'spmm').columns = 7), /tap table of 8 entries for 7 columns/],
      [(j) => (j.buffers.find((b: any) => b.form === 'spmm').taps = 0), /tap table/],
      [(j) => (j.buffers.find((b: any) => b.form === 'taps').taps[0] = 2 ** 30), /would take/],
      [(j) => (j.buffers.find((b: any) => b.form === 'taps').taps[7] = 4096), /x would reach byte/],
    ];
    for (const [edit, message] of cases) {
      const error = await refused(withProgram(whole, edit));
      expect(error.message).toMatch(message);
    }
  });

  it('is refused when sparse indices leave their matrix', async () => {
    const gapsAt = Object.entries(header(whole)).find(([name]) => name.endsWith('.gaps'))![1] as any;
    const start = 8 + Number(new DataView(whole.buffer).getBigUint64(0, true));
    for (let i = gapsAt.data_offsets[0]; i < gapsAt.data_offsets[1]; i++) {
      for (const value of [200, 255]) {
        const bytes = whole.slice();
        bytes[start + i] = value;
        expect((await refused(bytes)).message).toMatch(
          /sparse weights.*(reach past its 8 columns|unused gaps are left)/,
        );
      }
    }
  });

  it('can change any number of a record and still touches nothing outside its buffers', async () => {
    const json = JSON.parse(header(whole).__metadata__.program);
    let loaded = 0;
    for (let field = 2; field < json.steps[0].length; field++) {
      for (const value of [0, 1, 3, 7, 64, 100, 1000, 2 ** 16, 2 ** 31 - 1, 2 ** 32 - 1, -1, 0.5]) {
        const bytes = withProgram(whole, (j) => (j.steps[0][field] = value));
        const result = await loadModel(bytes).catch((e: Error) => e);
        if (result instanceof Error) {
          expect(result).toBeInstanceOf(FiligreeError);
          continue;
        }
        // what loads must run without trapping
        await result.run({ x0: new Tensor('float32', [1, 8, 5, 5], new Float32Array(200).fill(1)) });
        result.dispose();
        loaded++;
      }
    }
    expect(loaded).toBeGreaterThan(10);
  });

  it('is distinguished from files that are not artifacts', async () => {
    expect((await refused(new Uint8Array(0))).message).toMatch(/not a .filigree model \(0 bytes\)/);
    expect((await refused(new TextEncoder().encode('a text, not a model'))).message).toMatch(/not a .filigree model/);
    const tflite = new Uint8Array(64);
    tflite.set(new TextEncoder().encode('TFL3'), 4);
    expect((await refused(tflite)).message).toMatch(/must be compiled first.*filigree compile/);
    const foreign = pack({ __metadata__: { format: 'pt' } }, new Uint8Array(0));
    expect((await refused(foreign)).message).toMatch(/not one that Filigree compiled/);
    const future = header(whole);
    future.__metadata__.version = '99';
    expect((await refused(pack({ __metadata__: future.__metadata__ }, new Uint8Array(0)))).message).toMatch(
      /version 99/,
    );
  });
});
