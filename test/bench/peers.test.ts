import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { judge, outputError } from '../../bench/peers/compare.ts';
import { floorOf } from '../../bench/peers/floor.ts';
import { benchmarksTable, insertTable, markdownTables, readmeTable } from '../../bench/peers/markdown.ts';
import type { PeersReport, RuntimeResult, StateResult } from '../../bench/peers/results.ts';
import { bestPeer } from '../../bench/peers/results.ts';
import type { NetworkState } from '../../bench/peers/states.ts';
import { states } from '../../bench/peers/states.ts';
import { checkTargets } from '../../bench/peers/targets.ts';
import { renderReport } from '../../bench/report/page.ts';
import { exportTfjs } from '../../bench/tfjs.ts';
import { exportTflite } from '../../bench/tflite/export.ts';
import { networks } from '../../models/index.ts';
import type { NetworkName, NetworkOptions, PaddingOptions } from '../../models/index.ts';
import { evaluate } from '../../src/graph/evaluate.ts';
import { permuteData } from '../../src/graph/permute.ts';
import { elementCount, Tensor } from '../../src/tensor.ts';
import { randomFloats, relativeError } from '../kernels/wasm.ts';
import { runPeer } from '../peers/index.ts';

const small: [NetworkName, NetworkOptions & PaddingOptions][] = [
  ['mobilenet-v2', { width: 0.25, resolution: 64, classes: 10, padding: 'symmetric' }],
  ['yolox-nano', { width: 0.5, resolution: 64, classes: 3 }],
  ['yolov8n', { width: 0.5, resolution: 64, classes: 3 }],
];

describe('networks for tfjs-backend-wasm', () => {
  it.each(small)('%s %o: agrees with the reference', async (name, options) => {
    const graph = networks[name](options);
    const [{ name: input, value }] = graph.inputs;
    const { shape } = graph.values.get(value)!;
    const data = randomFloats(3)(elementCount(shape));
    const folder = await mkdtemp(path.join(tmpdir(), 'filigree-tfjs-'));
    try {
      const { json, weights } = exportTfjs(exportTflite(graph));
      await writeFile(path.join(folder, 'model.json'), json);
      await writeFile(path.join(folder, 'model.bin'), weights);
      const pixels = permuteData(data, shape, [0, 2, 3, 1]);
      const { outputs } = await runPeer('tfjs-wasm', path.join(folder, 'model.json'), [pixels]);
      const expected = Object.values(evaluate(graph, { [input]: new Tensor('float32', shape, data) }));
      // It adds in float32.
      expected.forEach((tensor, k) => {
        expect(relativeError(outputs[k].data, tensor.data as Float32Array)).toBeLessThan(1e-4);
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

const result = (median: number, { isWrong = false, megabytes = 100 } = {}): RuntimeResult => ({
  run: { median, minimum: 0.9 * median },
  cold: { median: 80 + median, minimum: 70 },
  megabytes: { median: megabytes, minimum: megabytes },
  rounds: [median],
  error: isWrong ? 1.3 : 1e-7,
  ...(isWrong && { errorFromReference: 1.3 }),
  isWrong,
});

const layer = {
  name: 'conv <1>',
  op: 'conv2d',
  kernels: ['f32_spmm_16x2' as const],
  shape: [1, 32, 10, 10],
  sparsity: 0.9,
  macs: 320_000,
  effectiveMacs: 32_000,
  ms: 0.01,
  gflops: 6.4,
};

const floor = floorOf([layer], new Map([['conv <1>', 20_000]]), 50, 10);

const state = (id: string, rest: Partial<StateResult>): StateResult => ({
  id,
  title: `Network ${id}`,
  runtimes: {},
  failures: {},
  floor,
  ...rest,
});

const report: PeersReport = {
  version: 1,
  date: '2026-01-02T03:04:05.000Z',
  machine: { cpu: 'A <processor>', cores: 2, platform: 'linux', arch: 'x64' },
  node: 'v20.0.0',
  v8: '11.3',
  threads: 1,
  rounds: 3,
  iterations: 60,
  bare: { cold: { median: 50, minimum: 45 }, megabytes: { median: 40, minimum: 40 } },
  sizes: { filigree: { version: '1', wasm: 43_000, wasmBrotli: 12_000, js: 40_000, jsBrotli: 13_000 } },
  peak: { build: 'simd', gflops: 50, memoryGbps: 10 },
  states: [
    state('mobilenet-v1', { runtimes: { filigree: result(20), 'tfjs-tflite': result(30), onnxruntime: result(40) } }),
    state('mobilenet-v1-90', {
      zeros: '90 % zeros',
      dense: 'mobilenet-v1',
      runtimes: { filigree: result(5), 'tfjs-tflite': result(10), litert: result(4, { isWrong: true }) },
    }),
    state('mobilenet-v2', {
      runtimes: { filigree: result(10, { megabytes: 60 }), 'tfjs-tflite': result(16, { megabytes: 100 }) },
      failures: { onnxruntime: 'out of memory' },
    }),
    state('yolov8n-80', { zeros: '80 % zeros', dense: 'mobilenet-v1', runtimes: { filigree: result(9) } }),
  ],
};

describe('comparing peers', () => {
  it('takes the error of the worst output, whatever their order', () => {
    const [a, b] = [Float32Array.of(3, 4), Float32Array.of(1, 0, 0)];
    expect(outputError([b, a], [a, b])).toBe(0);
    expect(outputError([b, Float32Array.of(3, 4.5)], [a, b])).toBeCloseTo(0.1);
    expect(outputError([b, Float32Array.of(NaN, 4)], [a, b])).toBe(Infinity);
    expect(outputError([a], [a, b])).toBe(Infinity);
  });

  it('has a table of its own for each browser, where memory is not known', () => {
    const { bare: _, ...rest } = report;
    const pages: PeersReport = {
      ...rest,
      browser: { name: 'Firefox', version: '153.0.1' },
      states: [state('mobilenet-v1', { runtimes: { filigree: { ...result(7), megabytes: undefined } } })],
    };
    const text = benchmarksTable(report, [pages]);
    expect(text).toContain('(A <processor>, Node 20, one thread; medians)');
    expect(text).toContain('(A <processor>, Firefox 153, one thread; medians)');
    expect(text.indexOf('| Network mobilenet-v1 | 7.00 |')).toBeGreaterThan(text.indexOf('Firefox 153'));
    expect(markdownTables(pages)).toContain('| 87 · – |');
    expect(renderReport(pages)).toContain('Firefox 153.0.1');
  });

  it('asks the reference who is wrong', () => {
    const head = states.find(({ id }) => id === 'sparse-head') as NetworkState;
    const graph = head.graph();
    const [{ name, value }] = graph.inputs;
    const { shape } = graph.values.get(value)!;
    const input = { name, shape, data: randomFloats(1)(elementCount(shape)) };
    const right = Object.values(evaluate(graph, { [name]: new Tensor('float32', shape, input.data) })).map(
      ({ shape, data }) => ({ shape: [...shape], data: data as Float32Array }),
    );
    const wrong = right.map(({ shape, data }) => ({ shape, data: data.map((x) => -x) }));
    const prepared = { files: {}, inputs: {}, input, activationBytes: new Map<string, number>() };
    const outputs = new Map([
      ['filigree', right],
      ['litert', wrong],
    ]);
    const judged = judge(head, prepared, outputs);
    expect(judged.get('filigree')).toMatchObject({ error: 0, errorFromReference: 0, isWrong: false });
    expect(judged.get('litert')).toMatchObject({ error: 2, errorFromReference: 2, isWrong: true });
    // and had Filigree been the one
    const swapped = new Map([
      ['filigree', wrong],
      ['litert', right],
    ]);
    expect(judge(head, prepared, swapped).get('filigree')).toMatchObject({ isWrong: true });
    expect(judge(head, prepared, swapped).get('litert')).toMatchObject({ isWrong: false });
  });

  it('the best peer is right, and may be the dense network’s', () => {
    const [, sparse, , detector] = report.states;
    expect(bestPeer(report, sparse)).toMatchObject({ runtime: 'tfjs-tflite', ms: 10, state: sparse });
    expect(bestPeer(report, detector)).toMatchObject({ runtime: 'tfjs-tflite', ms: 30, state: report.states[0] });
  });

  it('a floor is the longer of arithmetic and weights', () => {
    // 64,000 operations at 50 GFLOP/s; 320 weights of 8 bytes at 10 GB/s
    expect(floor.layers[0].floorMs).toBeCloseTo(1.28e-3);
    expect(floor.layers[0].weightBytes).toBe(2560);
    expect(floorOf([layer], new Map(), 50, 1).ms).toBeCloseTo(2.56e-3);
  });

  it('targets are met, missed or not measured', () => {
    const found = new Map(checkTargets(report).map((target) => [target.what, target]));
    expect(found.get('MobileNetV1, 90 % zeros, over tfjs-tflite')).toMatchObject({ found: 0.5, isMet: true });
    expect(found.get('MobileNetV1 dense, over the best peer')).toMatchObject({ isMet: true });
    expect(found.get("YOLOv8n, 80 % zeros, over the best peer's dense time")).toMatchObject({
      found: 0.3,
      isMet: false,
    });
    expect(found.get('first MobileNetV2 result over bare Node, ms')).toMatchObject({ found: 40, isMet: false });
    expect(found.get("MobileNetV2, peak memory over the smallest peer's")).toMatchObject({ found: 0.6, isMet: false });
    expect(found.get('dense pointwise: share of peak')?.isMet).toBeUndefined();
  });
});

describe('tables', () => {
  it('strike out wrong results and name runtimes that fail', () => {
    const text = markdownTables(report);
    expect(text).toContain('~~4.00 (3.60)~~ wrong by 1.30');
    expect(text).toContain('fails');
    expect(benchmarksTable(report)).toContain('*wrong*');
    const short = readmeTable(report);
    expect(short.match(/start to first result/g)?.length).toBe(1);
  });

  it('go between the markers of the README', () => {
    const readme = 'before\n<!-- bench:peers -->\nold\n<!-- end of bench:peers -->\nafter';
    const changed = insertTable(readme, 'new');
    expect(changed).toBe('before\n<!-- bench:peers -->\n\nnew\n\n<!-- end of bench:peers -->\nafter');
    expect(() => insertTable('nothing', 'new')).toThrow(/lacks/);
  });
});

describe('the HTML report', () => {
  const page = renderReport(report, {
    sweep: { build: 'simd', networks: [{ network: 'n', pattern: 'group4', zeros: 0.5, ms: 1, denseMs: 2 }] },
  });

  it('shows every network, the wrong results and the targets', () => {
    for (const { title } of report.states) expect(page).toContain(title);
    expect(page).toContain('4.00 ms, wrong by 1.30');
    expect(page).toContain('missed');
    expect(page).toContain('Roofline');
    expect(page).toContain('Speed-up of networks against density');
  });

  it('fetches nothing and escapes its inputs', () => {
    expect(page).not.toMatch(/<(link|img|iframe|object)\b|\bsrc=|@import|url\((?!#)/);
    expect(page).toContain('A &lt;processor&gt;');
    expect(page).not.toContain('conv <1>');
    expect(page).not.toMatch(/\bNaN\b|undefined/);
  });

  it('is drawn for wide and for narrow pages', () => {
    const count = (text: string) => page.split(text).length - 1;
    expect(count('class="wide"')).toBe(count('class="narrow"'));
    expect(count('class="wide"')).toBeGreaterThan(6);
  });
});
