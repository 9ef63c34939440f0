// What a load meets on its way: servers that break off, lie or never end, wasm of others, a host without memory, signals.
import { openAsBlob, writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { writeArtifact } from '../../src/artifact/write.ts';
import { defaultCostModel } from '../../src/lower/cost.ts';
import { lowerGraph } from '../../src/compile/lower-graph.ts';
import { FiligreeError } from '../../src/errors.ts';
import { kernelNames, registryHash } from '../../src/program/kernels.ts';
import { loadModel } from '../../src/runtime/load.ts';
import type { ThreadHost } from '../../src/runtime/threads/host.ts';
import { nodeHost } from '../../src/runtime/threads/node.ts';
import { Tensor } from '../../src/tensor.ts';
import { randomFloats } from '../kernels/wasm.ts';
import { patience } from '../patience.ts';
import { oneNode } from '../program.ts';
import { trapping } from './trapping.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'filigree-faults-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** y = x + c: a megabyte of constants. */
const shape = [512, 512];
const graph = oneNode('binary', { fn: 'add' }, [shape], [new Tensor('float32', shape, randomFloats(3)(512 * 512))]);
const artifact = writeArtifact(lowerGraph(graph, defaultCostModel));
const x0 = new Tensor('float32', shape, randomFloats(4)(512 * 512));

const failure = async (promise: Promise<unknown>): Promise<FiligreeError> => {
  const error = await promise.then(
    () => new Error('no error'),
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(FiligreeError);
  return error as FiligreeError;
};

describe('a server', () => {
  let url: string;
  let sent = 0;
  const answers: Record<string, (response: ServerResponse) => void> = {
    '/whole': (r) => r.end(artifact),
    '/compressed': (r) => {
      const body = gzipSync(artifact);
      r.writeHead(200, { 'content-encoding': 'gzip', 'content-length': body.length }).end(body);
    },
    '/chunked': async (r) => {
      // its header in two pieces
      for (const [from, to] of [
        [0, 5],
        [5, 100],
        [100, 200_000],
        [200_000, artifact.length],
      ]) {
        r.write(artifact.subarray(from, to));
        for (let turn = 0; turn < 20; turn++) await setImmediate();
      }
      r.end();
    },
    '/breaks-off': (r) => {
      // once the client, which is in this process, has had turns enough to read what has been written
      r.setHeader('content-length', artifact.length).write(artifact.subarray(0, 300_000), async () => {
        for (let turn = 0; turn < 100; turn++) await setImmediate();
        r.destroy();
      });
    },
    '/ends-early': (r) => r.end(artifact.subarray(0, 300_000)), // chunked: the client cannot know
    '/goes-on-a-little': (r) => (r.write(artifact), r.end(new Uint8Array(1000))),
    '/never-ends': (r) => endless(r, artifact),
    '/never-ends-with-no-model': (r) => endless(r, Buffer.from('<!doctype html>')),
    '/stalls': (r) => void r.setHeader('content-length', artifact.length).write(artifact.subarray(0, 300_000)),
    '/stalls-at-once': (r) => r.flushHeaders(),
    '/500': (r) => r.writeHead(500).end('x'.repeat(10)),
  };
  function endless(response: ServerResponse, start: Uint8Array) {
    response.write(start);
    const more = () => {
      while (!response.destroyed && response.write(new Uint8Array(1 << 18))) sent += 1 << 18;
    };
    response.on('drain', more);
    more();
  }
  const server = createServer((request, response) => answers[request.url!](response));
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  /** As the runtime fetches it, and as a caller's response, both with and without anyone watching. */
  const ways = (page: string): [name: string, load: (signal?: AbortSignal) => Promise<unknown>][] => [
    ['url', (signal) => loadModel(url + page, { signal })],
    ['url, watched', (signal) => loadModel(url + page, { signal, onProgress: () => {} })],
    ['response', async (signal) => loadModel(await fetch(url + page), { signal })],
    ['response, watched', async (signal) => loadModel(await fetch(url + page), { signal, onProgress: () => {} })],
  ];

  it.each(['/whole', '/compressed', '/chunked'])('%s: progress has the total of the file itself', async (page) => {
    for (const source of [url + page, await fetch(url + page)]) {
      const seen: { loaded: number; total: number }[] = [];
      const model = await loadModel(source, { onProgress: (progress) => seen.push(progress) });
      model.dispose();
      expect(seen.at(-1)).toEqual({ loaded: artifact.length, total: artifact.length });
      expect(seen.filter(({ total }) => total !== 0 && total !== artifact.length)).toEqual([]);
      // known before the end, even if the server does not declare it
      if (seen.length > 2) expect(seen.at(-2)!.total).toBe(artifact.length);
    }
  });

  it.each([
    ['/breaks-off', 'not-found', /\/breaks-off: broke off after 300000 bytes: /],
    ['/ends-early', 'invalid-model', /truncated: tensor ".*".data ends at byte 1\d{6}, the file at 300000$/],
    ['/never-ends', 'invalid-model', /declares 1\d{6} bytes, but continues after \d+$/],
    [
      '/never-ends-with-no-model',
      'invalid-model',
      /the server answered with a web page instead of a model; is the URL right/,
    ],
    ['/500', 'not-found', /HTTP 500/],
  ])('%s is an error that says so', async (page, code, message) => {
    for (const [, load] of ways(page)) {
      sent = 0;
      const error = await failure(load());
      expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)]);
      expect(sent).toBeLessThan(40e6);
    }
  });

  it('may send a little more than the model', async () => {
    for (const page of ['/whole', '/goes-on-a-little']) {
      const model = await loadModel(url + page);
      expect(Object.keys(await model.run({ x0 }))).toEqual(['y0']);
      model.dispose();
    }
  });

  it.each(['/stalls', '/stalls-at-once'])('%s, and a signal ends the wait', async (page) => {
    for (const [, load] of ways(page)) {
      const reason = new Error('changed my mind');
      const controller = new AbortController();
      setTimeout(() => controller.abort(reason), 50);
      await expect(load(controller.signal)).rejects.toBe(reason);
    }
  });

  it('and a watcher that throws: its error, and the rest is not read', async () => {
    sent = 0;
    const onProgress = () => {
      throw new Error('mine');
    };
    await expect(loadModel(`${url}/never-ends`, { onProgress })).rejects.toThrow('mine');
    expect(sent).toBeLessThan(20e6);
  });
});

it('a file that changes after its Blob was made is a FiligreeError', async () => {
  const file = path.join(folder, 'changing.filigree');
  writeFileSync(file, artifact);
  const blob = await openAsBlob(file);
  writeFileSync(file, artifact.subarray(0, 1000));
  expect((await failure(loadModel(blob))).code).toBe('not-found');
});

describe('a signal', () => {
  const file = path.join(folder, 'model.filigree');
  const sources: [string, () => ConstructorParameters<typeof Blob>[0] | string | Uint8Array | Blob][] = [
    ['bytes', () => artifact],
    ['a Blob', () => new Blob([artifact as BlobPart])],
    ['a file', () => file],
  ];
  beforeAll(() => writeFileSync(file, artifact));

  it.each(sources)('is heeded at every turn of a load from %s', async (_, source) => {
    for (const threads of [1, 2]) {
      const ends: string[] = [];
      for (let turns = 0; turns < 400 && ends.filter((end) => end === 'loaded').length < 3; turns++) {
        const reason = new Error(`after ${turns} turns`);
        const controller = new AbortController();
        const load = loadModel(source() as Uint8Array, { threads, signal: controller.signal });
        const result = load.then(
          (model) => {
            model.dispose();
            return 'loaded';
          },
          (error) => {
            expect(error).toBe(reason);
            return 'aborted';
          },
        );
        // a number of microtask turns into the load, then a number of milliseconds
        for (let i = 0; i < turns; i++) {
          const turn = i < 12 ? Promise.resolve(false) : new Promise((resolve) => setTimeout(resolve, 3, false));
          if (await Promise.race([turn, result.then(() => true)])) break;
        }
        controller.abort(reason);
        ends.push(await result);
      }
      expect(ends.at(-1)).toBe('loaded');
      expect(ends.filter((end) => end === 'aborted').length).toBeGreaterThan(3);
    }
  });
});

describe('wasm', () => {
  const text = (wat: number[]) => Uint8Array.from([0, 97, 115, 109, 1, 0, 0, 0, ...wat]);
  it.each([
    ['no wasm at all', () => new Uint8Array([1, 2, 3]), /not WebAssembly that this host can compile/],
    ['a module of nothing', () => text([]), /the wasm for "simd" is not a Filigree build/],
    // (import "other" "thing" (func)): type section, import section
    [
      'a module that imports something else',
      () => text([1, 4, 1, 96, 0, 0, 2, 15, 1, 5, 111, 116, 104, 101, 114, 5, 116, 104, 105, 110, 103, 0, 0]),
      /the wasm for "simd" cannot be used: .*other/,
    ],
    // (func (export "registry") (result i32) i32.const 7)
    [
      "another version's",
      () =>
        text([
          1, 5, 1, 96, 0, 1, 127, 3, 2, 1, 0, 7, 12, 1, 8, 114, 101, 103, 105, 115, 116, 114, 121, 0, 0, 10, 6, 1, 4, 0,
          65, 7, 11,
        ]),
      /belongs to another version: use the file of the package that runs/,
    ],
  ])('that is %s is an error of ours', async (_, wasm, message) => {
    const error = await failure(loadModel(artifact, { build: 'simd', wasm }));
    expect([error.code, error.message]).toEqual(['environment', expect.stringMatching(message)]);
  });

  it('tells a registry from one with another name, order or record', () => {
    expect(registryHash()).toBe(registryHash());
    const [first, second] = kernelNames;
    (kernelNames as string[]).splice(0, 2, second, first);
    const swapped = registryHash();
    (kernelNames as string[]).splice(0, 2, first, second);
    expect(swapped).not.toBe(registryHash());
  });
});

describe('a host without memory', () => {
  const { Memory } = WebAssembly;
  it('says how much a model needs', async () => {
    const refuse = vi.fn(() => {
      throw new RangeError('could not allocate memory');
    });
    WebAssembly.Memory = refuse as never;
    try {
      const { code, message } = await failure(loadModel(artifact));
      expect([code, message]).toEqual([
        'environment',
        'the model needs 4 MiB of memory, more than this host can provide',
      ]);
    } finally {
      WebAssembly.Memory = Memory;
    }
    (await loadModel(artifact)).dispose();
  });
});

describe('a run that stops in the middle', () => {
  const wasm = trapping('f32_unary');
  const unary = writeArtifact(lowerGraph(oneNode('unary', { fn: 'exp' }, [[64, 4096]], []), defaultCostModel));
  const inputs = (first: number) => {
    const data = randomFloats(1)(64 * 4096);
    data[0] = first;
    return { x0: new Tensor('float32', [64, 4096], data) };
  };

  it('leaves a model on one thread as it was', async () => {
    const model = await loadModel(unary, { wasm });
    const { y0 } = await model.run(inputs(1));
    await expect(model.run(inputs(666))).rejects.toBeInstanceOf(WebAssembly.RuntimeError);
    expect(await model.run(inputs(1))).toEqual({ y0 });
    model.dispose();
  });

  it.each([true, false])('is the end of a team at once, the calling thread taking part: %s', async (takesPart) => {
    let alive = 0;
    const threadHost: ThreadHost = {
      ...nodeHost,
      takesPart,
      start(task, events) {
        alive++;
        const worker = nodeHost.start(task, events);
        return { hold: (on) => worker.hold(on), end: () => (alive--, worker.end()) };
      },
    };
    // who waits for what will not come does so until the test is given up
    threadHost.patience = patience;
    const model = await loadModel(unary, { wasm, threads: 2, threadHost });
    expect(model.info.threads).toBe(2);
    await model.run(inputs(1));
    const { code, message } = await failure(model.run(inputs(666)));
    expect(code).toBe('environment');
    expect(message).toMatch(/a thread has failed: (unreachable|.*has stopped)/);
    expect(alive).toBe(0);
    expect((await failure(model.run(inputs(1)))).code).toBe('environment');
    model.dispose();
  });
});
