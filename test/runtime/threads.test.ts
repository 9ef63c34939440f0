// Models on several threads: the same bits, workers that start, fail, stop and end.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import v8 from 'node:v8';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { networks } from '../../models/index.ts';
import { sparsify } from '../../models/sparsify.ts';
import { writeArtifact } from '../../src/artifact/write.ts';
import { compileGraph, compileModel } from '../../src/compile.ts';
import type { FiligreeError } from '../../src/errors.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { kernels, type KernelName } from '../../src/program/kernels.ts';
import { loadModel } from '../../src/runtime/load.ts';
import type { Model } from '../../src/runtime/model.ts';
import type { RunningWorker, ThreadHost, WorkerEvents } from '../../src/runtime/threads/host.ts';
import { nodeHost } from '../../src/runtime/threads/node.ts';
import { elementCount, Tensor } from '../../src/tensor.ts';
import { cloneGraph, GraphBuilder } from '../graphs.ts';
import { builds, randomFloats } from '../kernels/wasm.ts';
import { faceModels } from '../models/published.ts';
import { patience } from '../patience.ts';
import { bitsOf, loadInShares } from '../shares.ts';

v8.setFlagsFromString('--experimental-wasm-relaxed-simd');

const inputsOf = ({ inputs }: Pick<Model, 'inputs'>, seed = 1) =>
  Object.fromEntries(
    inputs.map(({ name, shape }) => [name, new Tensor('float32', shape, randomFloats(seed)(elementCount(shape)))]),
  );

const compiled = (graph: Graph) => writeArtifact(compileGraph(cloneGraph(graph)));

const mobilenet = compiled(
  networks['mobilenet-v2']({
    resolution: 96,
    width: 0.5,
    classes: 10,
    sparsity: { pattern: 'unstructured', sparsity: 0.8 },
  }),
);

/** Convolutions of every kind, each with the slopes of the PReLU that reads it; the share of zeros is of those without groups. */
function withSlopes(sparsity: number): Uint8Array {
  const b = new GraphBuilder();
  const convolution = (x: string, channels: number, kernel: number, options?: Parameters<typeof b.conv2d>[3]) => {
    const y = b.conv2d(x, channels, kernel, options);
    const weights = b.graph.values.get(b.graph.nodes.at(-1)!.inputs[1])!;
    if (!options?.groups) {
      weights.data = sparsify(weights.data as Float32Array, channels, { pattern: 'group2', density: 1 - sparsity });
    }
    return b.node('binary', { fn: 'prelu' }, y, b.constant([channels, 1, 1]));
  };
  let x = convolution(b.input([1, 3, 61, 45]), 24, 3, { stride: [2, 2] });
  x = convolution(x, 24, 3, { groups: 24 });
  x = convolution(x, 38, 1);
  x = convolution(x, 38, 5, { groups: 38, stride: [2, 2] });
  x = convolution(x, 26, 3);
  x = convolution(x, 26, 3, { groups: 2 });
  const program = compileGraph(b.finish(convolution(x, 45, 1)));
  expect(program.layers.filter(({ op }) => op === 'binary')).toEqual([]);
  return writeArtifact(program);
}

const failure = async (promise: Promise<unknown>): Promise<FiligreeError> =>
  promise.then(
    () => expect.fail('it should have failed'),
    (error: FiligreeError) => error,
  );

/** Node's workers, watched. `takesPart` false: as on a page, whose thread may not sleep. */
function watched(takesPart: boolean) {
  const workers: { worker: RunningWorker; events: WorkerEvents; ended: boolean }[] = [];
  const host: ThreadHost = {
    ...nodeHost,
    tries: false,
    takesPart,
    start(task, events) {
      const worker = nodeHost.start(task, events);
      const entry = { worker, events, ended: false };
      workers.push(entry);
      return { hold: (alive) => worker.hold(alive), end: () => ((entry.ended = true), worker.end()) };
    },
  };
  return { host, workers };
}

it('every kernel of programs says how its work is divided', () => {
  const names = Object.keys(kernels) as KernelName[];
  expect(names.filter((name) => !kernels[name].standalone && !kernels[name].axes)).toEqual([]);
});

it('a model that only shows its input in another shape runs on two threads', async () => {
  const b = new GraphBuilder();
  const bytes = compiled(b.finish(b.node('reshape', { shape: [6, 2] }, b.input([3, 4]))));
  const model = await loadModel(bytes, { threads: 2 });
  const input0 = new Tensor('float32', [3, 4], randomFloats(1)(12));
  const { output0 } = await model.run({ input0 });
  expect(output0.data).toEqual(input0.data);
  model.dispose();
});

describe.each(builds)('%s', (build) => {
  const models: [string, () => Uint8Array][] = [
    ['MobileNetV1, dense', () => compiled(networks['mobilenet-v1']({ resolution: 96, classes: 100 }))],
    ['MobileNetV2, 80 % zeros', () => mobilenet],
    ['MobileNetV3', () => compiled(networks['mobilenet-v3-small']({ resolution: 96, classes: 100 }))],
    [
      'YOLOX-nano, groups of 4',
      () => compiled(networks['yolox-nano']({ resolution: 160, sparsity: { pattern: 'group4', sparsity: 0.7 } })),
    ],
    ['YOLOv8n', () => compiled(networks.yolov8n({ resolution: 96 }))],
    ['slopes of PReLUs, dense', () => withSlopes(0)],
    ['slopes of PReLUs, 80 % zeros', () => withSlopes(0.8)],
    ['the face model', () => compileModel(readFileSync(faceModels.sparse), { name: 'face' })],
  ];
  it.each(models)('%s: the same bits for 1, 2, 3 and 4 threads, run after run', async (_, make) => {
    const bytes = make();
    const one = await loadModel(bytes, { build });
    const inputs = [1, 2, 3].map((seed) => inputsOf(one, seed));
    const wanted: Record<string, number[]>[] = [];
    for (const input of inputs) wanted.push(bitsOf(await one.run(input)));
    for (const threads of [1, 2, 3, 4]) {
      const model = await loadModel(bytes, { build, threads });
      expect(model.info).toMatchObject({
        threads,
        build,
        notes: one.info.notes,
      });
      for (const i of [0, 1, 2, 0]) expect(bitsOf(await model.run(inputs[i]))).toEqual(wanted[i]);
      model.dispose();
    }
    const { model, plan } = await loadInShares(bytes, build, 3, () => 0);
    expect(plan.barriers).toBeLessThanOrEqual(plan.largest.length);
    expect(bitsOf(await model.run(inputs[0]))).toEqual(wanted[0]);
    one.dispose();
  });
});

describe.each([true, false])('threads, the calling one taking part: %s', (takesPart) => {
  it('runs in the order of calls, each with its own inputs', async () => {
    const one = await loadModel(mobilenet);
    const { host } = watched(takesPart);
    const model = await loadModel(mobilenet, { threads: 2, threadHost: host });
    const order: number[] = [];
    const runs = [1, 2, 3, 4, 5].map((seed) => model.run(inputsOf(one, seed)).finally(() => order.push(seed)));
    for (const [i, run] of runs.entries()) {
      expect(bitsOf(await run)).toEqual(bitsOf(await one.run(inputsOf(one, i + 1))));
    }
    expect(order).toEqual([1, 2, 3, 4, 5]);
    await expect(model.run({})).rejects.toMatchObject({ code: 'invalid-argument' }); // and goes on
    expect(bitsOf(await model.run(inputsOf(one)))).toEqual(bitsOf(await one.run(inputsOf(one))));
    model.dispose();
    one.dispose();
  });

  it('runs two models at once', async () => {
    const one = await loadModel(mobilenet);
    const wanted = [1, 2].map(async (seed) => bitsOf(await one.run(inputsOf(one, seed))));
    const { host } = watched(takesPart);
    const load = () => loadModel(mobilenet, { threads: 2, threadHost: host });
    const models = await Promise.all([load(), load()]);
    for (let i = 0; i < 5; i++) {
      const found = await Promise.all(models.map((model, m) => model.run(inputsOf(one, m + 1))));
      for (const m of [0, 1]) expect(bitsOf(found[m])).toEqual(await wanted[m]);
    }
    for (const model of models) model.dispose();
    one.dispose();
  });

  it('is made and disposed of twenty times', async () => {
    const { host, workers } = watched(takesPart);
    for (let i = 0; i < 20; i++) {
      const model = await loadModel(mobilenet, { threads: 2, threadHost: host });
      if (i % 10 === 0) await model.run(inputsOf(model));
      model.dispose();
      model.dispose();
    }
    expect(workers.length).toBe(takesPart ? 20 : 40);
    expect(workers.every(({ ended }) => ended)).toBe(true);
  });

  it('says so once when a worker has died, and releases the others', async () => {
    const { host, workers } = watched(takesPart);
    const model = await loadModel(mobilenet, { threads: 4, threadHost: host });
    const died = new Promise<void>((resolve) => {
      const { events } = workers[1];
      const { failed } = events;
      events.failed = (cause) => (failed(cause), resolve());
    });
    workers[1].worker.end();
    workers[1].events.failed(new Error('killed')); // what end() says of its own accord is kept silent
    await died;
    const error = await failure(model.run(inputsOf(model)));
    expect([error.code, error.message]).toEqual(['environment', `${model.name}: a thread has failed: killed`]);
    expect(workers.every(({ ended }) => ended)).toBe(true);
    model.dispose();
    expect((await failure(model.run(inputsOf(model)))).code).toBe('disposed');
  });

  it('fails to load when a worker does not start', async () => {
    for (const start of [
      () => {
        throw new Error('no more threads');
      },
      (_: unknown, events: WorkerEvents) => {
        setTimeout(() => events.failed(new Error('no more threads')), 5);
        return { hold() {}, end() {} };
      },
    ]) {
      const threadHost = { parallelism: () => 2, takesPart, start } as ThreadHost;
      const error = await failure(loadModel(mobilenet, { threads: 2, threadHost }));
      expect([error.code, error.message]).toEqual([
        'environment',
        'mobilenet-v2: a thread has failed: no more threads',
      ]);
    }
  });

  it('stops loading when its signal says so, and ends the workers', async () => {
    const reason = new Error('changed my mind');
    const { host, workers } = watched(takesPart);
    const controller = new AbortController();
    const start = host.start;
    host.start = (task, events) => {
      setTimeout(() => controller.abort(reason), 0);
      return start(task, events);
    };
    await expect(loadModel(mobilenet, { threads: 3, threadHost: host, signal: controller.signal })).rejects.toBe(
      reason,
    );
    expect(workers.length).toBe(takesPart ? 2 : 3);
    expect(workers.every(({ ended }) => ended)).toBe(true);
  });
});

const { watchWorkers } = await import(new URL('../hosts/watch.mjs', import.meta.url).href);
/** Node's workers, as they exit. */
const threads: { exited?: boolean }[] = watchWorkers(process.getBuiltinModule('node:worker_threads'));

/** Workers that hosts end without a word, as browsers do under memory pressure; teams that are patient for 3 s only. */
function silenced(takesPart: boolean) {
  const workers: { die(): Promise<void>; ended: boolean }[] = [];
  const host: ThreadHost = {
    ...nodeHost,
    tries: false,
    takesPart,
    patience: 500,
    start(task, events) {
      const worker = nodeHost.start(task, { ...events, failed: () => {} });
      const thread = threads.at(-1)!;
      const die = async () => {
        worker.end();
        while (!thread.exited) await setImmediate();
      };
      const entry = { die, ended: false };
      workers.push(entry);
      return { hold: (alive) => worker.hold(alive), end: () => ((entry.ended = true), worker.end()) };
    },
  };
  return { host, workers };
}

describe.each([true, false])('workers that die silently, the calling thread taking part: %s', (takesPart) => {
  it.each(['all', 'the last', 'the first'])('fail the run: %s', async (which) => {
    const { host, workers } = silenced(takesPart);
    const model = await loadModel(mobilenet, { threads: 3, threadHost: host });
    const inputs = inputsOf(model);
    for (let i = 0; i < 20; i++) await model.run(inputs); // live threads are not given up
    const dying = which === 'all' ? workers : [workers.at(which === 'the last' ? -1 : 0)!];
    for (const worker of dying) await worker.die();
    const runs = [1, 2].map(() => failure(model.run(inputs)));
    for (const run of runs) {
      const { code, message } = await run;
      expect(code).toBe('environment');
      expect(message).toMatch(
        /a thread has failed: (it has not answered for 3 s|none has answered for 3.5 s|another has not answered)/,
      );
    }
    expect(workers.every(({ ended }) => ended)).toBe(true);
    model.dispose();
  });
});

it('does not give up threads that are there, however long nothing is asked of them', async () => {
  const { host } = silenced(false);
  const model = await loadModel(mobilenet, { threads: 2, threadHost: host });
  const wanted = bitsOf(await model.run(inputsOf(model)));
  for (const ms of [4000, 20, 0]) {
    await new Promise((resolve) => setTimeout(resolve, ms));
    expect(bitsOf(await model.run(inputsOf(model)))).toEqual(wanted);
  }
  model.dispose();
});

it('profiles between runs, not during one', async () => {
  const one = await loadModel(mobilenet);
  const { host } = watched(false);
  const model = await loadModel(mobilenet, { threads: 2, threadHost: host });
  const order: string[] = [];
  for (let i = 0; i < 5; i++) {
    const [first, second] = [1, 2].map((seed) => inputsOf(one, seed));
    const before = model.run(first).finally(() => order.push('before'));
    const profile = model.profile(second, { runs: 1, warmup: 3 }).finally(() => order.push('profile'));
    const after = new Promise<void>((resolve) => setTimeout(resolve, 1)).then(() => model.run(second));
    expect(bitsOf(await before)).toEqual(bitsOf(await one.run(first)));
    expect((await profile).length).toBeGreaterThan(10);
    expect(bitsOf(await after)).toEqual(bitsOf(await one.run(second)));
    expect(order.splice(0)).toEqual(['before', 'profile']);
  }
  for (const profile of [model.profile({}), model.profile(inputsOf(one), { runs: 0 })]) {
    expect((await failure(profile)).code).toBe('invalid-argument');
  }
  expect(bitsOf(await model.run(inputsOf(one)))).toEqual(bitsOf(await one.run(inputsOf(one))));
  const [last, late] = [failure(model.run(inputsOf(one))), failure(model.profile(inputsOf(one)))];
  model.dispose();
  expect([(await last).code, (await late).code]).toEqual(['disposed', 'disposed']);
  one.dispose();
});

it('abandons a run when it is disposed of during the run', async () => {
  const { host, workers } = watched(false);
  const model = await loadModel(mobilenet, { threads: 2, threadHost: host });
  const runs = [1, 2, 3].map((seed) => failure(model.run(inputsOf(model, seed))));
  await Promise.resolve();
  model.dispose();
  for (const run of runs) expect((await run).code).toBe('disposed');
  expect(workers.every(({ ended }) => ended)).toBe(true);
});

it.each([true, false])('runs on one thread where that is faster, with the same bits: %s', async (takesPart) => {
  const one = await loadModel(mobilenet);
  const wanted = bitsOf(await one.run(inputsOf(one)));
  const { host } = watched(takesPart);
  const model = await loadModel(mobilenet, { threads: 3, threadHost: { ...host, tries: true } });
  // the sixth of these and every second after it is on one thread
  for (let i = 0; i < 20; i++) expect(bitsOf(await model.run(inputsOf(model)))).toEqual(wanted);
  model.dispose();
  one.dispose();
});

it('reads a file straight into the memory that threads share', async () => {
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'filigree-threads-')), 'model.filigree');
  writeFileSync(file, mobilenet);
  const [one, two] = await Promise.all([loadModel(mobilenet), loadModel(file, { threads: 2 })]);
  expect(bitsOf(await two.run(inputsOf(one)))).toEqual(bitsOf(await one.run(inputsOf(one))));
  one.dispose();
  two.dispose();
});

it('runs on one thread and says why where there are no threads', async () => {
  for (const threads of ['auto', 2] as const) {
    const model = await loadModel(mobilenet, { threads, threadHost: 'this host has none' });
    expect(model.info).toMatchObject({ threads: 1, notes: ['runs on one thread: this host has none'] });
    expect(Object.keys(await model.run(inputsOf(model)))).toEqual(model.outputs.map(({ name }) => name));
    model.dispose();
  }
  const wasm = (build: string) =>
    WebAssembly.compile(readFileSync(new URL(`../../src/hosts/wasm/filigree-${build}.wasm`, import.meta.url)));
  const model = await loadModel(mobilenet, { threads: 2, wasm });
  const why = 'threads need the wasm as bytes, but it is a compiled module';
  expect(model.info).toMatchObject({ threads: 1, notes: [`runs on one thread: ${why}`] });
  model.dispose();
});

it('takes as many threads as there are processors, 4 at most, when asked for "auto"', async () => {
  for (const [processors, threads] of [
    [1, 1],
    [3, 3],
    [64, 4],
  ]) {
    const threadHost = { ...nodeHost, parallelism: () => processors };
    const model = await loadModel(mobilenet, { threads: 'auto', threadHost });
    expect(model.info).toMatchObject({ threads, notes: [] });
    model.dispose();
  }
  for (const threads of [0, 1.5, -1, 65, NaN, 'many', null]) {
    const error = await failure(loadModel(mobilenet, { threads: threads as never }));
    expect(error.message).toBe(`threads: wanted 1 to 64 or "auto", got ${String(threads)}`);
  }
});

it('lets the process end while a model on threads is loaded, and stays until a run is done', () => {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const run = (takesPart: boolean) =>
    execFileSync('node', ['scripts/run.mjs', 'test/runtime/threads-exit.ts', String(takesPart)], {
      cwd: root,
      timeout: patience,
    });
  for (const takesPart of [true, false]) expect(String(run(takesPart))).toBe('ran\n');
});
