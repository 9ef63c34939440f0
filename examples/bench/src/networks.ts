// Networks with seeded weights, dense and with zeros, as this device runs them.
import { networks as builders } from '../../../models/index.ts';
import type { NetworkName } from '../../../models/index.ts';
import { leastTimed, median } from '../../../bench/measure.ts';
import { compileGraph } from '../../../src/compile.ts';
import { writeArtifact } from '../../../src/artifact/write.ts';
import { loadModel } from '../../../src/runtime/load.ts';
import type { Model } from '../../../src/runtime/model.ts';
import { elementCount, Tensor } from '../../../src/tensor.ts';
import type { NetworkResult } from './messages.ts';

interface NetworkCase {
  title: string;
  network: NetworkName;
  resolution: number;
  zeros: readonly [name: string, sparsity?: { pattern: 'unstructured' | 'group2' | 'group4'; sparsity: number }][];
}

/** Each with its dense self first. */
export const networkCases: Readonly<Record<string, NetworkCase>> = {
  'mobilenet-v1': {
    title: 'MobileNetV1 224²',
    network: 'mobilenet-v1',
    resolution: 224,
    zeros: [
      ['dense'],
      ['70 % unstructured', { pattern: 'unstructured', sparsity: 0.7 }],
      ['90 % unstructured', { pattern: 'unstructured', sparsity: 0.9 }],
      ['90 % in fours', { pattern: 'group4', sparsity: 0.9 }],
    ],
  },
  'mobilenet-v2': {
    title: 'MobileNetV2 224²',
    network: 'mobilenet-v2',
    resolution: 224,
    zeros: [
      ['dense'],
      ['70 % unstructured', { pattern: 'unstructured', sparsity: 0.7 }],
      ['90 % unstructured', { pattern: 'unstructured', sparsity: 0.9 }],
    ],
  },
  'yolox-nano': {
    title: 'YOLOX-nano 416²',
    network: 'yolox-nano',
    resolution: 416,
    zeros: [
      ['dense'],
      ['70 % unstructured', { pattern: 'unstructured', sparsity: 0.7 }],
      ['70 % in pairs', { pattern: 'group2', sparsity: 0.7 }],
    ],
  },
  yolov8n: {
    title: 'YOLOv8n 320²',
    network: 'yolov8n',
    resolution: 320,
    zeros: [
      ['dense'],
      ['80 % unstructured', { pattern: 'unstructured', sparsity: 0.8 }],
      ['80 % in fours', { pattern: 'group4', sparsity: 0.8 }],
    ],
  },
};

const waves = (count: number) => Float32Array.from({ length: count }, (_, i) => Math.sin(i));

const inputsOf = (model: Model) =>
  Object.fromEntries(
    model.inputs.map(({ name, shape }) => [name, new Tensor('float32', shape, waves(elementCount(shape)))]),
  );

/** Milliseconds of a run, over `runs` of them. */
async function timed(model: Model, inputs: Record<string, Tensor>, runs = 1): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < runs; i++) await model.run(inputs);
  return (performance.now() - start) / runs;
}

export interface NetworkTiming {
  threads: number;
  build: 'simd' | 'relaxed';
  warmUpMs: number;
  rounds: number;
  /** FLOP a nanosecond. */
  peakGflops: number;
}

/** Times a network's variants in turns. On several threads only where the host gives them. */
export async function timeNetwork(name: string, timing: NetworkTiming): Promise<NetworkResult[]> {
  const { title, network, resolution, zeros } = networkCases[name];
  const { threads, build, warmUpMs, rounds, peakGflops } = timing;
  const entrants: { zeros: string; macs: number; model: Model; inputs: Record<string, Tensor>; times: number[] }[] = [];
  try {
    for (const [which, sparsity] of zeros) {
      const program = compileGraph(builders[network]({ resolution, ...(sparsity && { sparsity }) }));
      const macs = program.layers.reduce((sum, { effectiveMacs }) => sum + effectiveMacs, 0);
      const model = await loadModel(writeArtifact(program), { build, threads });
      entrants.push({ zeros: which, macs, model, inputs: inputsOf(model), times: [] });
      if (model.info.threads !== threads) return [];
    }
    const runs: number[] = [];
    for (const { model, inputs } of entrants) {
      const start = performance.now();
      let warmed = 0;
      do {
        await timed(model, inputs);
        warmed++;
      } while (performance.now() - start < Math.max(warmUpMs, leastTimed()));
      runs.push(Math.ceil((leastTimed() * warmed) / (performance.now() - start)));
    }
    for (let round = 0; round < rounds; round++) {
      for (const [i, { model, inputs, times }] of entrants.entries()) times.push(await timed(model, inputs, runs[i]));
    }
  } finally {
    for (const { model } of entrants) model.dispose();
  }
  const least = entrants.map(({ times }) => Math.min(...times));
  return entrants.map(({ zeros: which, macs, times }, i) => ({
    network: title,
    zeros: which,
    threads,
    ms: { median: median(times), least: least[i] },
    effectiveMacs: macs,
    msAtPeak: (2 * macs) / peakGflops / 1e6,
    ...(i > 0 && { speedup: least[0] / least[i] }),
  }));
}
