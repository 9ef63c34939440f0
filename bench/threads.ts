// Times networks on one thread and on several, and shows what keeps the speed-up below the number of threads.
//
//   npm run bench:threads -- [--threads 2] [--build simd] [NETWORK…]
//
// Blocks of runs on one thread and on several take turns. `bound` is the maximum speed-up if each step took only as long as its
// largest share; the rest goes to barriers and to memory that threads share.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { networks } from '../models/index.ts';
import { readArtifact } from '../src/artifact/read.ts';
import { writeArtifact } from '../src/artifact/write.ts';
import { compileGraph } from '../src/compile.ts';
import { layOut } from '../src/runtime/expand.ts';
import { loadModel } from '../src/runtime/load.ts';
import type { Model } from '../src/runtime/model.ts';
import type { WasmBuild } from '../src/runtime/probe.ts';
import { planThreads } from '../src/runtime/threads/plan.ts';
import { elementCount, Tensor } from '../src/tensor.ts';

const sparse = { sparsity: { pattern: 'unstructured', sparsity: 0.9 } } as const;
const cases: Record<string, () => Uint8Array> = {
  'mobilenet-v1': () => writeArtifact(compileGraph(networks['mobilenet-v1']())),
  'mobilenet-v1-90': () => writeArtifact(compileGraph(networks['mobilenet-v1'](sparse))),
  'mobilenet-v2': () => writeArtifact(compileGraph(networks['mobilenet-v2']())),
  'mobilenet-v2-90': () => writeArtifact(compileGraph(networks['mobilenet-v2'](sparse))),
  face: () => readFileSync(new URL('../dist/models/face-detection.filigree', import.meta.url)),
  'yolox-nano': () => writeArtifact(compileGraph(networks['yolox-nano']())),
  'yolov8n-320-80': () => {
    const graph = networks.yolov8n({ resolution: 320, sparsity: { pattern: 'unstructured', sparsity: 0.8 } });
    return writeArtifact(compileGraph(graph));
  },
};

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    threads: { type: 'string', default: '2' },
    build: { type: 'string' },
    runs: { type: 'string', default: '30' },
  },
});
const threads = Number(options.threads);
const runs = Number(options.runs);
const build = options.build as WasmBuild | undefined;

const median = (times: number[]) => times.sort((a, b) => a - b)[times.length >> 1];
const names = positionals.length > 0 ? positionals : Object.keys(cases);
console.log(
  `network            first  second |      1 thread      ${threads} threads  ratio  bound | steps  split  barriers  1st run after 15 ms`,
);
for (const name of names) {
  const bytes = cases[name]();
  const many = await loadModel(bytes, { build, threads });
  const inputs = Object.fromEntries(
    many.inputs.map(({ name: input, shape }) => {
      return [
        input,
        new Tensor(
          'float32',
          shape,
          Float32Array.from({ length: elementCount(shape) }, (_, i) => Math.sin(i)),
        ),
      ];
    }),
  );
  const time = async (model: Model) => {
    const start = performance.now();
    await model.run(inputs);
    return performance.now() - start;
  };
  const first = await time(many);
  const second = await time(many);
  const one = await loadModel(bytes, { build });
  const program = readArtifact(bytes, name);
  const { largest, barriers } = planThreads(program, layOut(program), threads);
  const layers = await one.profile(inputs, { runs: 10 });
  const steps = program.layers.map((_, layer) =>
    program.steps.map((s, i) => ({ ...s, i })).filter((s) => s.layer === layer),
  );
  let bounded = 0;
  let whole = 0;
  layers.forEach(({ ms }, layer) => {
    whole += ms;
    if (steps[layer].length > 0) bounded += ms * Math.max(...steps[layer].map(({ i }) => largest[i]));
  });
  const times = { one: [] as number[], many: [] as number[], rested: [] as number[] };
  for (let block = 0; block < 5; block++) {
    for (let i = 0; i < runs / 5 + 2; i++) {
      const ms = await time(one);
      if (block > 0 && i > 1) times.one.push(ms);
    }
    for (let i = 0; i < runs / 5 + 2; i++) {
      const ms = await time(many);
      if (block > 0 && i > 1) times.many.push(ms);
    }
  }
  for (let i = 0; i < 9; i++) {
    await new Promise((resolve) => setTimeout(resolve, 15));
    times.rested.push(await time(many));
  }
  const [a, b] = [median(times.one), median(times.many)];
  const split = largest.filter((share) => share < 1).length;
  console.log(
    `${name.padEnd(16)} ${first.toFixed(1).padStart(7)} ${second.toFixed(1).padStart(7)} |` +
      ` ${a.toFixed(2).padStart(10)} ms ${b.toFixed(2).padStart(10)} ms ${(a / b).toFixed(2).padStart(6)}` +
      ` ${(whole / bounded).toFixed(2).padStart(6)} | ${String(largest.length).padStart(5)} ${String(split).padStart(6)}` +
      ` ${String(barriers).padStart(9)} ${median(times.rested).toFixed(2).padStart(12)} ms`,
  );
  for (const note of many.info.notes) console.log(`  ${note}`);
  one.dispose();
  many.dispose();
}
