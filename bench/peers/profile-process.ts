// Profiles artifacts in a separate process, possibly with another version of Node than the benchmark:
//
//   node scripts/run.mjs bench/peers/profile-process.ts RESULT.json MS A.filigree B.filigree …
//
// Each artifact is profiled for MS milliseconds. The result has this machine's peak and each artifact's layers.
import { writeFile } from 'node:fs/promises';
import process from 'node:process';
import { probeBuild } from '../../src/runtime/probe.ts';
import { loadModel, Tensor } from '../../src/index.ts';
import { elementCount } from '../../src/tensor.ts';
import { randomFloats } from '../../test/kernels/wasm.ts';
import type { LayerProfile } from '../../src/runtime/layer-profile.ts';
import { peakLoops, peakOf } from '../peak.ts';
import { peakWasm } from '../peak-wasm.ts';

export interface ProfileResult {
  node: string;
  v8: string;
  build: string;
  gflops: number;
  /** GB/s of a copy that is larger than the caches, read and written together. */
  memoryGbps: number;
  layers: LayerProfile[][];
}

const [, , resultFile, ms, ...artifacts] = process.argv;
const build = probeBuild() === 'relaxed' ? 'relaxed' : 'simd';
const loops = await peakLoops(peakWasm(build), build);
const samples = [loops()];
const layers: LayerProfile[][] = [];
for (const artifact of artifacts) {
  const model = await loadModel(artifact);
  const inputs = Object.fromEntries(
    model.inputs.map(({ name, shape }) => [name, new Tensor('float32', shape, randomFloats(9)(elementCount(shape)))]),
  );
  const warmUpEnd = performance.now() + Number(ms);
  let once = Infinity;
  for (let i = 0; i < 3 || performance.now() < warmUpEnd; i++) {
    const start = performance.now();
    await model.run(inputs);
    once = Math.min(once, performance.now() - start);
  }
  layers.push(await model.profile(inputs, { runs: Math.max(5, Math.round(Number(ms) / once)), warmup: 0 }));
  model.dispose();
  samples.push(loops());
}
const peak = peakOf(samples);
const result: ProfileResult = {
  node: process.version,
  v8: process.versions.v8,
  build,
  gflops: peak.gflops,
  memoryGbps: peak.copy.at(-1)!.gbps,
  layers,
};
await writeFile(resultFile, JSON.stringify(result));
