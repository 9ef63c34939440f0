// npm run bench:linear: compares compiled linear layers at batch 1 and 32 with dense f32, this machine's arithmetic peak, and
// its speed of reading as many bytes of weights, with warm and with emptied caches.
import { parseArgs } from 'node:util';
import { defaultCostModel } from '../src/lower/cost.ts';
import type { CostModel } from '../src/lower/cost-model.ts';
import type { LinearWeights } from '../src/lower/lowering.ts';
import { kernelList } from '../src/cli/layer-report.ts';
import { lowerGraph } from '../src/compile/lower-graph.ts';
import { matrixKernels } from '../src/lower/matrix-kernels.ts';
import { emptyGraph } from '../src/graph/graph.ts';
import { constantBytes } from '../src/program/constants.ts';
import type { Program } from '../src/program/program.ts';
import { expandProgram, layOut } from '../src/runtime/expand.ts';
import { chooseBuild, instantiate } from '../src/runtime/instantiate.ts';
import { prunedWeights } from './cases/linear.ts';
import { defaultTiming, measure, median, warmUp } from './measure.ts';
import { peakLoops } from './peak.ts';
import { peakWasm } from './peak-wasm.ts';
import { randomFloats } from './place.ts';
import { parseShapes } from './shapes.ts';
import { readFileSync } from 'node:fs';

const sweepBytes = 2 ** 26;

/** A variant to compare: how weights are pruned, the type they are rounded to, and a cost model that allows one kernel. */
interface Variant {
  name: string;
  block: readonly [rows: number, columns: number];
  linearWeights?: LinearWeights;
  costModel?: CostModel;
}

/** A cost model that allows only these kernels, and others for work that these cannot do. */
const only = (...left: string[]): CostModel => {
  const others = Object.keys(matrixKernels).flatMap((name) => [name, `${name}_packed`]);
  const hopeless = others.filter((name) => !left.includes(name)).map((name) => [name, { vector: 1e6 }] as const);
  return { ...defaultCostModel, costs: { ...defaultCostModel.costs, ...Object.fromEntries(hopeless) } };
};

const integers = only('f32_linear_dense');

const variants: Variant[] = [
  { name: 'f32', block: [1, 1] },
  { name: 'f32, groups of 4', block: [4, 1] },
  { name: 'int8, groups of 16', block: [1, 16], linearWeights: 'int8', costModel: integers },
  { name: 'int4, groups of 16', block: [1, 16], linearWeights: 'int4', costModel: integers },
];

/** Every candidate of the default cost model, each enforced. */
const candidates: Variant[] = [
  { name: 'vectors', block: [1, 1], costModel: only('f32_linear_dense') },
  { name: 'vectors, sparse', block: [1, 1], costModel: only('f32_linear_sparse') },
  { name: 'vectors, groups of 4', block: [4, 1], costModel: only('f32_linear_sparse_4') },
  { name: 'planes', block: [1, 1], costModel: only('f32_gemm_8x4') },
];

function layer(rows: number, columns: number, batch: number, density: number, variant: Variant): Program {
  const graph = emptyGraph('linear');
  const value = (name: string, shape: number[], data?: Float32Array) =>
    graph.values.set(name, { name, shape, dtype: 'float32', ...(data && { data }) });
  value('x', [batch, columns]);
  value('w', [rows, columns], prunedWeights(rows, columns, density, variant.block));
  value('b', [rows], randomFloats(rows));
  value('y', [batch, rows]);
  graph.inputs.push({ value: 'x', name: 'x', dtype: 'float32' });
  graph.outputs.push({ value: 'y', name: 'y', dtype: 'float32' });
  graph.nodes.push({ name: 'linear', op: 'linear', inputs: ['x', 'w', 'b'], outputs: ['y'], attributes: {} });
  return lowerGraph(graph, variant.costModel ?? defaultCostModel, { linearWeights: variant.linearWeights });
}

/** A program ready to run, and the bytes of its expanded weights. */
async function prepare(program: Program, build: 'simd' | 'relaxed') {
  const layout = layOut(program);
  const instance = await instantiate(layout.bytes, build);
  expandProgram(program, layout, instance);
  const { at, shape } = program.inputs[0];
  const floats = shape[0] * shape[1];
  new Float32Array(instance.memory.buffer, layout.buffers[at.buffer], floats).set(randomFloats(floats));
  const weights = program.buffers.flatMap((b) => (b.kind === 'constant' ? [constantBytes(b.constant)] : []));
  return {
    run: () => instance.exports.run(layout.records[0], program.steps.length),
    bytes: Math.max(...weights),
    kernels: program.steps.map(({ kernel }) => kernel).filter((kernel) => kernel !== 'f32_copy'),
    macs: program.layers[0].effectiveMacs,
  };
}

/** Median milliseconds of single runs, each after a sweep that leaves none of the weights in caches. */
function cold(run: () => void, sweep: () => void): number {
  const times = Array.from({ length: 15 }, () => {
    sweep();
    const start = performance.now();
    run();
    return performance.now() - start;
  });
  return median(times);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { shapes: { type: 'string' }, density: { type: 'string' }, candidates: { type: 'boolean' } },
  });
  const build = chooseBuild();
  if (build !== 'simd' && build !== 'relaxed') throw new Error(build);
  const densities = (values.density ?? '1,0.5,0.3,0.2,0.1').split(',').map(Number);
  const file = values.shapes ?? new URL('shapes/linear.txt', import.meta.url);
  const shapes = parseShapes(readFileSync(file, 'utf8'), String(file));

  const memory = new WebAssembly.Memory({ initial: sweepBytes / 65536 + 1 });
  const peakModule = await WebAssembly.compile(peakWasm(build) as BufferSource);
  const { exports } = await WebAssembly.instantiate(peakModule, { env: { memory } });
  const read = exports.read as (n: number, x: number, bytes: number) => number;
  new Float32Array(memory.buffer).fill(1); // the system maps all unwritten pages to one page
  const sweep = () => read(1, 65536, sweepBytes);
  const loops = await peakLoops(peakWasm(build), build);
  const { mulAdd, relaxedMadd = 0, loadMulAdd } = loops();
  const peak = Math.max(mulAdd, relaxedMadd, loadMulAdd);
  process.stdout.write(`${build}, Node ${process.version}, peak ${peak.toFixed(1)} GFLOP/s\n`);
  for (const megabytes of [0.25, 1, 4, 16, 64]) {
    const bytes = megabytes * 2 ** 20;
    warmUp(() => read(1, 65536, bytes), 50);
    const [times] = measure([() => read(1, 65536, bytes)], { ...defaultTiming, batches: 5 });
    process.stdout.write(`read ${megabytes} MiB: ${(bytes / Math.min(...times) / 1e6).toFixed(0)} GB/s\n`);
  }
  const columnsOf = (cells: (string | number)[]) =>
    cells.map((cell, i) => (i === 0 || i > 6 ? String(cell).padEnd(22) : String(cell).padStart(9))).join('') + '\n';
  process.stdout.write(
    columnsOf(['', 'density', 'µs', 'GFLOP/s', 'GB/s', 'speed-up', 'cold µs', '   speed-up, kernels']),
  );
  for (const { inputs, outputs, height: batch } of shapes) {
    process.stdout.write(`${outputs}×${inputs}, batch ${batch}\n`);
    const reference = await prepare(layer(outputs, inputs, batch, 1, variants[0]), build);
    warmUp(reference.run, 300);
    for (const variant of values.candidates ? candidates : variants) {
      for (const density of densities) {
        if (density < 1 && variant.name === 'planes') continue;
        const work = await prepare(layer(outputs, inputs, batch, density, variant), build);
        warmUp(work.run, 100);
        const timing = { ...defaultTiming, batches: 9 };
        const [base, own] = measure([reference.run, work.run], timing);
        const ms = median(own);
        const coldMs = cold(work.run, sweep);
        const coldBase = cold(reference.run, sweep);
        process.stdout.write(
          columnsOf([
            `  ${variant.name}`,
            density,
            (1000 * ms).toFixed(1),
            ((2 * work.macs) / ms / 1e6).toFixed(1),
            (work.bytes / ms / 1e6).toFixed(1),
            `${median(own.map((t, i) => base[i] / t)).toFixed(2)}×`,
            (1000 * coldMs).toFixed(0),
            `   ${(coldBase / coldMs).toFixed(2)}× ${kernelList(work.kernels)}`,
          ]),
        );
      }
    }
  }
}

await main();
