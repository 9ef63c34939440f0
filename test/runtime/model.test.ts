import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeArtifact } from '../../src/artifact/write.ts';
import { defaultCostModel } from '../../src/lower/cost.ts';
import { lowerGraph } from '../../src/compile/lower-graph.ts';
import { FiligreeError } from '../../src/errors.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { loadModel } from '../../src/runtime/load.ts';
import { Tensor } from '../../src/tensor.ts';
import { createClassifier, createDetector } from '../../src/vision/create.ts';
import { randomFloats } from '../kernels/wasm.ts';
import { oneNode } from '../program.ts';

/** y = relu(x) over (1, 2, 2, 3), which its author calls `image`, in NHWC. */
function reluGraph(): Graph {
  const graph = oneNode('unary', { fn: 'clamp', alpha: 0, beta: Infinity }, [[1, 3, 2, 2]], []);
  graph.inputs[0] = { ...graph.inputs[0], name: 'image', permutation: [0, 2, 3, 1] };
  graph.outputs[0] = { ...graph.outputs[0], name: 'result', permutation: [0, 2, 3, 1] };
  return graph;
}

const bytesOf = (graph: Graph) => writeArtifact(lowerGraph(graph, defaultCostModel));
const artifact = bytesOf(reluGraph());
const image = () => new Tensor('float32', [1, 2, 2, 3], randomFloats(5)(12));

const failure = async (promise: Promise<unknown>): Promise<FiligreeError> => {
  const error = await promise.then(
    () => new Error('no error'),
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(FiligreeError);
  return error as FiligreeError;
};

describe('a model', () => {
  it('keeps the names, shapes and axis order of its author', async () => {
    const model = await loadModel(artifact);
    expect(model.inputs).toEqual([{ name: 'image', dtype: 'float32', shape: [1, 2, 2, 3] }]);
    expect(model.outputs).toEqual([{ name: 'result', dtype: 'float32', shape: [1, 2, 2, 3] }]);
    const x = image();
    const { result } = await model.run({ image: x });
    expect([...result.data]).toEqual([...x.data].map((v) => Math.max(0, v as number)));
    model.dispose();
  });

  it('gives each run outputs of its own', async () => {
    const model = await loadModel(artifact);
    const first = (await model.run({ image: image() })).result;
    const kept = [...first.data];
    await model.run({ image: new Tensor('float32', [1, 2, 2, 3], new Float32Array(12).fill(7)) });
    expect([...first.data]).toEqual(kept);
    model.dispose();
  });

  it('takes no more memory run after run', async () => {
    const model = await loadModel(artifact);
    const { total } = model.info.memory;
    for (let i = 0; i < 50; i++) await model.run({ image: image() });
    expect(model.info.memory.total).toBe(total);
    model.dispose();
  });

  it('dequantises inputs of the declared integer dtype, and takes real numbers too', async () => {
    const graph = reluGraph();
    graph.inputs[0] = { ...graph.inputs[0], dtype: 'uint8', quantization: { scale: 0.5, zeroPoint: 10 } };
    const model = await loadModel(bytesOf(graph));
    const stored = Uint8Array.from({ length: 12 }, (_, i) => i * 3);
    const real = [...stored].map((q) => 0.5 * (q - 10));
    for (const tensor of [new Tensor('uint8', [1, 2, 2, 3], stored), new Tensor('float32', [1, 2, 2, 3], real)]) {
      const { result } = await model.run({ image: tensor });
      expect([...result.data]).toEqual(real.map((v) => Math.max(0, v)));
    }
    model.dispose();
  });

  it('saturates real numbers that a quantised input cannot hold', async () => {
    const graph = reluGraph();
    graph.inputs[0] = { ...graph.inputs[0], dtype: 'uint8', quantization: { scale: 0.5, zeroPoint: 10 } };
    const model = await loadModel(bytesOf(graph));
    const given = Float32Array.from({ length: 12 }, (_, i) => 100 * (i - 4));
    const { result } = await model.run({ image: new Tensor('float32', [1, 2, 2, 3], given) });
    expect([...result.data]).toEqual([...given].map((v) => Math.min(Math.max(0, v), 122.5)));
    expect(given[11]).toBe(700);
    model.dispose();
  });

  it('gives outputs that are constants', async () => {
    const graph = reluGraph();
    const data = randomFloats(9)(6);
    graph.values.set('c', { name: 'c', shape: [2, 3], dtype: 'float32', data });
    graph.outputs.push({ value: 'c', name: 'anchors', dtype: 'float32', permutation: [1, 0] });
    const model = await loadModel(bytesOf(graph));
    const { anchors } = await model.run({ image: image() });
    expect(anchors.shape).toEqual([3, 2]);
    expect([...anchors.data]).toEqual([0, 3, 1, 4, 2, 5].map((i) => data[i]));
    model.dispose();
  });

  it('takes no property that every object has for an input', async () => {
    for (const name of ['constructor', '__proto__']) {
      const graph = reluGraph();
      graph.inputs[0] = { ...graph.inputs[0], name };
      graph.outputs[0] = { ...graph.outputs[0], name };
      const model = await loadModel(bytesOf(graph));
      expect((await failure(model.run({}))).message).toContain(`input "${name}"`);
      const outputs = await model.run(Object.fromEntries([[name, image()]]));
      expect(Object.keys(outputs)).toEqual([name]);
      model.dispose();
    }
  });

  it('refuses to profile no runs', async () => {
    const model = await loadModel(artifact);
    for (const options of [{ runs: 0 }, { runs: 1.5 }, { warmup: -1 }, { runs: NaN }]) {
      expect((await failure(model.profile({ image: image() }, options))).code).toBe('invalid-argument');
    }
    const [{ ms }] = await model.profile({ image: image() }, { runs: 1, warmup: 0 });
    expect(ms).toBeGreaterThanOrEqual(0);
    model.dispose();
  });

  it('explains an invalid input', async () => {
    const model = await loadModel(artifact);
    const cases: [inputs: Record<string, Tensor>, message: RegExp][] = [
      [{}, /input "image" \(float32 \[1, 2, 2, 3\]\) is missing/],
      [{ image: image(), other: image() }, /no input named "other"; inputs are "image"/],
      [{ image: new Tensor('float32', [1, 3, 2, 2]) }, /is float32 \[1, 2, 2, 3\]; got float32 \[1, 3, 2, 2\]/],
      [{ image: new Tensor('float32', [12]) }, /got float32 \[12\]/],
      [{ image: new Tensor('uint8', [1, 2, 2, 3]) }, /got uint8/],
      [{ image: new Float32Array(12) as never }, /wanted a Tensor, got Float32Array/],
      [{ image: { dtype: 'float32', shape: [1, 2, 2, 3], data: new Float32Array(5) } }, /12 elements; the data has 5/],
    ];
    for (const [inputs, message] of cases) {
      const error = await failure(model.run(inputs));
      expect(error.code).toBe('invalid-argument');
      expect(error.message).toMatch(message);
    }
    for (const nothing of [undefined, null, 5]) {
      for (const promise of [model.run(nothing as never), model.profile(nothing as never)]) {
        const { code, message } = await failure(promise);
        expect(code).toBe('invalid-argument');
        expect(message).toContain(`wanted an object with a tensor for each input ("image"); got ${nothing}`);
      }
    }
    model.dispose();
  });

  it('can be disposed twice, and says so when it is used afterwards', async () => {
    const model = await loadModel(artifact);
    model.dispose();
    model[Symbol.dispose]();
    expect((await failure(model.run({ image: image() }))).code).toBe('disposed');
    expect((await failure(model.profile({ image: image() }))).code).toBe('disposed');
    expect(model.disposed).toBe(true);
    for (const create of [createDetector, createClassifier]) {
      const { code, message } = await failure(create(model));
      expect(code).toBe('disposed');
      expect(message).toBe('test: the model has been disposed; load it again');
    }
  });

  it('profiles every layer', async () => {
    const model = await loadModel(artifact);
    const layers = await model.profile({ image: image() }, { runs: 3 });
    expect(layers).toMatchObject([{ name: 'node', op: 'unary', kernels: ['f32_unary'], shape: [1, 3, 2, 2], macs: 0 }]);
    expect(layers[0].ms).toBeGreaterThanOrEqual(0);
    model.dispose();
  });
});

describe('loadModel', () => {
  let folder: string;
  let url: string;
  const server = createServer((request, response) => {
    if (request.url === '/model.filigree') response.setHeader('content-length', artifact.length).end(artifact);
    else if (request.url === '/page') response.setHeader('content-type', 'text/html').end('<!doctype html><p>Hello');
    else response.writeHead(404).end();
  });

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'filigree-load-'));
    await writeFile(path.join(folder, 'model.filigree'), artifact);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    server.close();
    await rm(folder, { recursive: true });
  });

  it('takes a path, a URL, a response, a blob, a buffer and bytes', async () => {
    const file = path.join(folder, 'model.filigree');
    const sources = [
      file,
      pathToFileURL(file),
      pathToFileURL(file).href,
      `${url}/model.filigree`,
      new URL(`${url}/model.filigree`),
      await fetch(`${url}/model.filigree`),
      new Blob([artifact as BlobPart]),
      `data:application/octet-stream;base64,${Buffer.from(artifact).toString('base64')}`,
      artifact.slice().buffer,
      artifact,
      Buffer.from(artifact),
    ];
    for (const source of sources) {
      const model = await loadModel(source);
      expect((await model.run({ image: image() })).result.data.length).toBe(12);
      model.dispose();
    }
  });

  it('reports progress', async () => {
    const seen: { loaded: number; total: number }[] = [];
    (await loadModel(`${url}/model.filigree`, { onProgress: (p) => seen.push(p) })).dispose();
    expect(seen.at(-1)).toEqual({ loaded: artifact.length, total: artifact.length });
  });

  it('stops when its signal says so', async () => {
    const reason = new Error('changed my mind');
    for (const source of [artifact, `${url}/model.filigree`, path.join(folder, 'model.filigree')]) {
      await expect(loadModel(source, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    }
  });

  it('explains missing or invalid options', async () => {
    const missing = await failure(loadModel(path.join(folder, 'none.filigree')));
    expect([missing.code, missing.message]).toEqual(['not-found', `${folder}/none.filigree: no such file`]);
    expect((await failure(loadModel(folder))).message).toMatch(/is a directory/);
    expect((await failure(loadModel(`${url}/none`))).message).toMatch(/HTTP 404/);
    expect((await failure(loadModel(`${url}/page`))).message).toMatch(
      /answered with a web page instead of a model; is the URL right/,
    );
    expect((await failure(loadModel(42 as never))).code).toBe('invalid-argument');
    const wasm = await failure(loadModel(artifact, { wasm: () => new Uint8Array([1, 2, 3]) }));
    expect(wasm.code).toBe('environment');
    for (const read of [
      (response: Response) => response.arrayBuffer(),
      async (response: Response) => void response.body!.getReader(),
    ]) {
      const response = await fetch(`${url}/model.filigree`);
      await read(response);
      const { code, message } = await failure(loadModel(response));
      expect(code).toBe('invalid-argument');
      expect(message).toBe(
        `${url}/model.filigree: its body has been read already; clone() it before, or fetch it again`,
      );
    }
    const build = await failure(loadModel(artifact, { build: 'avx' as never }));
    expect([build.code, build.message]).toEqual(['invalid-argument', 'build: wanted one of simd, relaxed, got "avx"']);
    const noData = await failure(loadModel(`data:application/octet-stream;base64,${'AAAA'.repeat(100)}`));
    expect(noData.message).toMatch(/^data:.{55}…: not a .filigree model \(300 bytes\)$/);
    const noWasm = await failure(loadModel(artifact, { wasm: () => path.join(folder, 'none.wasm') }));
    expect(noWasm.code).toBe('not-found');
  });
});
