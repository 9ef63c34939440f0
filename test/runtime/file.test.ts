// Models read from files, piece by piece into linear memory, against the same bytes in memory.
import { mkdtempSync, readdirSync, renameSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { writeArtifact } from '../../src/artifact/write.ts';
import { lowerGraph } from '../../src/compile/lower-graph.ts';
import { emptyGraph, type Graph } from '../../src/graph/graph.ts';
import { inferShapes } from '../../src/graph/infer.ts';
import { loadModel } from '../../src/runtime/load.ts';
import { openSource } from '../../src/runtime/source.ts';
import { builds, randomFloats } from '../kernels/wasm.ts';
import { patience } from '../patience.ts';
import { forced, randomInputs } from '../program.ts';

const folder = mkdtempSync(join(tmpdir(), 'filigree-'));
afterAll(() => rmSync(folder, { recursive: true }));

const size = 96;

/** Pointwise layers with these channels on one pixel. Weights and biases are random or, as halves, multiples of 1/64. */
function graph(layers: number, halves: boolean): Graph {
  const g = emptyGraph('layers');
  const add = (name: string, shape: number[], data?: Float32Array) =>
    g.values.set(name, { name, shape, dtype: 'float32', ...(data && { data }) });
  const random = randomFloats(7);
  const numbers = (count: number) => {
    const values = random(count).map((v, i) => (i % 3 === 0 ? v / 8 : 0));
    return halves ? values.map((v) => Math.round(v * 64) / 64) : values;
  };
  add('x0', [1, size, 2, 3]);
  g.inputs.push({ value: 'x0', name: 'x0', dtype: 'float32' });
  for (let i = 0; i < layers; i++) {
    add(`w${i}`, [size, size, 1, 1], numbers(size * size));
    add(`b${i}`, [size], numbers(size));
    add(`x${i + 1}`, []);
    g.nodes.push({
      name: `layer${i}`,
      op: 'conv2d',
      attributes: { pads: [0, 0, 0, 0], stride: [1, 1], dilation: [1, 1], groups: 1 },
      inputs: [`x${i}`, `w${i}`, `b${i}`],
      outputs: [`x${i + 1}`],
    });
  }
  g.outputs.push({ value: `x${layers}`, name: 'y', dtype: 'float32' });
  inferShapes(g);
  return g;
}

function written(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

describe.each(builds)('a model read from a file (%s)', (build) => {
  it.each([
    ['dense', false],
    ['dense', true],
    [1, false],
    [2, true],
    [4, false],
  ] as const)('gives the same results as its bytes: encoding %s, halves %s', async (encoding, halves) => {
    const g = graph(20, halves); // more than is read at first; sparse weights are staged in several batches
    const bytes = writeArtifact(lowerGraph(g, forced[encoding]));
    expect(bytes.length).toBeGreaterThan(1 << 17);
    const inputs = randomInputs(g, randomFloats(3));
    const [fromBytes, fromFile, fromUrl] = await Promise.all([
      loadModel(bytes, { build }),
      loadModel(written('model.filigree', bytes), { build }),
      loadModel(pathToFileURL(written('model.filigree', bytes)), { build }),
    ]);
    const { y } = await fromBytes.run(inputs);
    expect(y.data.some((v) => v !== 0)).toBe(true);
    expect(await fromFile.run(inputs)).toEqual({ y });
    expect(await fromUrl.run(inputs)).toEqual({ y });
  });
});

describe('a file', () => {
  it('whose header is longer than the first read', async () => {
    const program = lowerGraph(graph(12, false), forced.dense);
    program.metadata.description = 'long '.repeat(60_000);
    const model = await loadModel(written('long.filigree', writeArtifact(program)));
    expect(model.metadata.description).toBe(program.metadata.description);
  });

  it('that ends too early is truncated, wherever it ends', async () => {
    const bytes = writeArtifact(lowerGraph(graph(12, false), forced[1]));
    for (const length of [bytes.length - 1, 200_000, 5_000, 100]) {
      const path = written('short.filigree', bytes.subarray(0, length));
      await expect(loadModel(path)).rejects.toMatchObject({
        code: 'invalid-model',
        message: expect.stringContaining('truncated') as string,
      });
    }
  });

  it('is closed afterwards', async () => {
    const path = written('closed.filigree', writeArtifact(lowerGraph(graph(12, false), forced.dense)));
    const open = () => readdirSync('/proc/self/fd').length;
    const before = open();
    for (let i = 0; i < 5; i++) await loadModel(path);
    for (let i = 0; i < 5; i++) await expect(loadModel(folder)).rejects.toThrow('is a directory');
    await expect.poll(open, { timeout: patience }).toBe(before);
  });

  it('is read into any number of places, over several threads, and missed when it shrinks', async () => {
    const bytes = Uint8Array.from({ length: 9_000_001 }, (_, i) => Math.imul(i, 2654435761) >>> 24);
    const path = written('bytes', bytes);
    const file = await openSource(path, {}, () => 0);
    const from = file.head.length;
    expect(file.head).toEqual(bytes.subarray(0, from));
    const lengths = [0, 1, ...Array.from({ length: 2500 }, (_, i) => 1 + ((i * 37) % 5000))];
    lengths.push(bytes.length - from - lengths.reduce((sum, n) => sum + n, 0));
    const into = new Uint8Array(bytes.length - from);
    let at = 0;
    await file.readInto(
      from,
      lengths.map((length) => into.subarray(at, (at += length))),
    );
    expect(Buffer.compare(into, bytes.subarray(from))).toBe(0);
    truncateSync(path, from + 5);
    await expect(file.readInto(from, [new Uint8Array(10)])).rejects.toMatchObject({ code: 'invalid-model' });
    file.close();
  });

  it('that another takes the place of is read to its end', async () => {
    const bytes = writeArtifact(lowerGraph(graph(12, false), forced.dense));
    const other = bytes.map((byte, i) => (i > bytes.length - 5000 ? byte ^ 85 : byte));
    const path = written('replaced.filigree', bytes);
    const file = await openSource(path, {}, () => 0);
    renameSync(written('new.filigree', other), path);
    const rest = new Uint8Array(bytes.length - file.head.length);
    expect(rest.length).toBeGreaterThan(5000);
    await file.readInto(file.head.length, [rest]);
    expect(Buffer.compare(rest, bytes.subarray(file.head.length))).toBe(0);
    file.close();
  });

  it('that is written over while it is read is refused', async () => {
    const bytes = writeArtifact(lowerGraph(graph(12, false), forced.dense));
    const path = written('over.filigree', bytes);
    utimesSync(path, 1e9, 1e9);
    const file = await openSource(path, {}, () => 0);
    writeFileSync(
      path,
      bytes.map((byte) => byte ^ 85),
    );
    await expect(
      file.readInto(file.head.length, [new Uint8Array(bytes.length - file.head.length)]),
    ).rejects.toMatchObject({ code: 'invalid-model', message: `${path}: changed while it was read; load it again` });
    file.close();
  });
});
