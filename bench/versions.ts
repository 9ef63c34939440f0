// Compares checkouts of this repository on networks, dense or with zeros: one process, runs in turns, CPU time, which other programs on the machine
// disturb less than wall-clock time. The last checkout is this one.
//
//   node scripts/run.mjs bench/versions.ts ../before [mobilenet-v1,yolov8n,mobilenet-v1:90,mobilenet-v1:90:group4] [rounds]
//
// `:90` are percent of zeros, unstructured or in the pattern that follows.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import process from 'node:process';
import { build } from 'esbuild';
import type { networks, SparsityPattern } from '../models/index.ts';
import type { compileGraph } from '../src/compile/compile.ts';
import type { writeArtifact } from '../src/artifact/write.ts';
import type { loadModel } from '../src/runtime/load.ts';
import { elementCount, Tensor } from '../src/tensor.ts';

const here = resolve(import.meta.dirname, '..');
const defaults =
  'mobilenet-v1,mobilenet-v2,yolox-nano,yolov8n,mobilenet-v1:90,mobilenet-v1:70,mobilenet-v1:50,mobilenet-v1:90:group4,' +
  'mobilenet-v2:90,mobilenet-v2:70,yolox-nano:70,yolox-nano:70:group2';
const [other, names = defaults, rounds = '20'] = process.argv.slice(2);
if (!other) throw new Error('usage: node scripts/run.mjs bench/versions.ts CHECKOUT [NETWORKS] [ROUNDS]');

interface Checkout {
  networks: typeof networks;
  compileGraph: typeof compileGraph;
  writeArtifact: typeof writeArtifact;
  loadModel: typeof loadModel;
}

/** A checkout's sources as one module. Its kernels must be built. */
async function bundle(root: string): Promise<Checkout> {
  const contents = `
    export { networks } from './models/index.ts';
    export { compileGraph } from './src/compile/compile.ts';
    export { writeArtifact } from './src/artifact/write.ts';
    export { loadModel } from './src/runtime/load.ts';`;
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: root, loader: 'ts' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    write: false,
    absWorkingDir: root,
    logLevel: 'error',
  });
  return (await import(
    `data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`
  )) as Checkout;
}

const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

const roots = [resolve(other), here];
const checkouts = await Promise.all(roots.map(bundle));
console.log(`Node ${process.version}: ms of CPU time, minimum / median of ${rounds} runs`);
for (const entry of names.split(',')) {
  const [name, zeros, pattern = 'unstructured'] = entry.split(':');
  const sparsity =
    zeros === undefined ? undefined : { pattern: pattern as SparsityPattern, sparsity: Number(zeros) / 100 };
  const runs = await Promise.all(
    checkouts.map(async (own, i) => {
      const make = own.networks[name as keyof typeof networks];
      if (!make) throw new Error(`unknown network ${name}; there are ${Object.keys(own.networks).join(', ')}`);
      const graph = make({ ...(sparsity && { sparsity }) });
      const wasm = (kind: string) => readFileSync(`${roots[i]}/src/hosts/wasm/filigree-${kind}.wasm`);
      const model = await own.loadModel(own.writeArtifact(own.compileGraph(graph, { dense: !sparsity })), { wasm });
      const [input] = model.inputs;
      const data = Float32Array.from({ length: elementCount(input.shape) }, (_, at) => (at % 251) / 251);
      return { model, inputs: { [input.name]: new Tensor('float32', input.shape, data) }, ms: [] as number[] };
    }),
  );
  for (let round = -5; round < Number(rounds); round++) {
    for (const { model, inputs, ms } of runs) {
      const start = cpuMs();
      await model.run(inputs);
      if (round >= 0) ms.push(cpuMs() - start);
    }
  }
  const [before, after] = runs.map(({ ms }) => ms.sort((a, b) => a - b));
  const text = (ms: number[]) => `${ms[0].toFixed(1)} / ${ms[ms.length >> 1].toFixed(1)}`;
  console.log(`${entry}: ${text(before)} → ${text(after)}, ${(after[0] / before[0]).toFixed(2)}×`);
  for (const { model } of runs) model.dispose();
}
