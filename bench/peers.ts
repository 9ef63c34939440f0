// Published TFLite models on Filigree and on its peers, in one run, processes interleaved:
//
//   npm run bench:peers [-- --rounds 7 --iterations 60]
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { compileModel } from '../src/compile/index.ts';
import { readArtifact } from '../src/artifact/read.ts';
import { elementCount } from '../src/tensor.ts';
import { randomFloats, relativeError } from '../test/kernels/wasm.ts';
import { faceModels, objectronSsd } from '../test/models/published.ts';
import { runPeer } from '../test/peers/index.ts';
import type { Peer, PeerResult } from '../test/peers/index.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '7' }, iterations: { type: 'string', default: '60' } },
});
const rounds = Number(values.rounds);
const iterations = Number(values.iterations);
const runtimes: Peer[] = ['filigree', 'tfjs-tflite', 'litert'];
const models: [name: string, file: string][] = [
  ['face, full range, sparse (65 % zeros)', faceModels.sparse],
  ['face, full range, dense', faceModels.dense],
  ['face, short range', faceModels.short],
  ['SSD MobileNetV2 300²', objectronSsd()],
];

const median = (numbers: number[]) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

const folder = await mkdtemp(path.join(tmpdir(), 'filigree-bench-'));
try {
  console.log(
    `Node ${process.version}, one thread, ${rounds} rounds of ${iterations} runs; ms median (minimum) · cold ms · MB\n`,
  );
  console.log(`| model | ${runtimes.join(' | ')} | Filigree over the best peer |`);
  console.log(`|---|${runtimes.map(() => '---|').join('')}---|`);
  for (const [name, file] of models) {
    const artifact = compileModel(await readFile(file), { name });
    const compiled = path.join(folder, 'model.filigree');
    await writeFile(compiled, artifact);
    const input = randomFloats(9)(elementCount(readArtifact(artifact, name).inputs[0].shape));
    const results = Object.fromEntries(runtimes.map((runtime) => [runtime, [] as PeerResult[]]));
    for (let round = 0; round < rounds; round++) {
      for (const runtime of runtimes) {
        const result = await runPeer(runtime, runtime === 'filigree' ? compiled : file, [input], { iterations });
        results[runtime].push(result);
      }
    }
    // the peers' outputs are ours: matched by size, as their order may differ
    for (const peer of runtimes.slice(1)) {
      for (const { data } of results[peer][0].outputs) {
        const errors = results.filigree[0].outputs
          .filter((o) => o.data.length === data.length)
          .map((o) => relativeError(o.data, data));
        if (!(Math.min(...errors) < 1e-4))
          console.log(`${name}: outputs differ from ${peer}'s by ${Math.min(...errors)}`);
      }
    }
    const medianOf = (runtime: Peer) => median(results[runtime].map((r) => r.msMedian!));
    const cells = runtimes.map((runtime) => {
      const all = results[runtime];
      const [fast, cold, memory] = [
        Math.min(...all.map((r) => r.msMinimum!)),
        median(all.map((r) => r.msCold)),
        median(all.map((r) => r.megabytes!)),
      ];
      return `${medianOf(runtime).toFixed(2)} (${fast.toFixed(2)}) · ${cold.toFixed(0)} · ${memory.toFixed(0)}`;
    });
    const ratio = medianOf('filigree') / Math.min(...runtimes.slice(1).map(medianOf));
    console.log(`| ${name} | ${cells.join(' | ')} | ${ratio.toFixed(2)} |`);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
