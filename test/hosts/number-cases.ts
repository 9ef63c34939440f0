// Networks whose results every engine must give: one for every kernel, random ones, and those that ship.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { writeArtifact } from '../../src/artifact/write.ts';
import { lowerGraph } from '../../src/compile/lower-graph.ts';
import { wideKernels } from '../../src/program/wide.ts';
import { kernelNames, kernels } from '../../src/program/kernels.ts';
import type { Kernel } from '../../src/program/kernel.ts';
import type { Tensor } from '../../src/tensor.ts';
import { build, feedsOf, recipes } from '../differential/network.ts';
import type { Feeds } from '../differential/network.ts';
import { prepareTrial, settingOf } from '../differential/trial.ts';
import type { Results } from '../differential/trial.ts';
import { randomFloats } from '../kernels/wasm.ts';
import { everyKernel } from '../program/every-kernel.ts';
import { root } from './project.ts';

export type Build = 'simd' | 'relaxed';

interface Encoded {
  dtype: keyof typeof arrays;
  shape: readonly number[];
  bytes: string;
}
/** What numbers.mjs takes. */
export interface GivenCase {
  name: string;
  model: string;
  feeds: Record<string, Encoded>;
}
/** What it gives: outputs, or an error's code where the host has no such build. */
export type Numbers = Record<string, Record<Build, Record<string, Encoded> | string>>;

export interface NumberCase {
  given: GivenCase;
  /** What is wrong with results, by the evaluator; random networks have it. */
  check?(results: Results): string | undefined;
}

const arrays = {
  float32: Float32Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
};
const base64 = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength).toString('base64');

const encoded = (feeds: Feeds): GivenCase['feeds'] =>
  Object.fromEntries(
    Object.entries(feeds).map(([name, { dtype, shape, data }]: [string, Tensor]) => {
      return [name, { dtype: dtype as Encoded['dtype'], shape, bytes: base64(data) }];
    }),
  );

const caseOf = (name: string, file: Uint8Array, feeds: Feeds, check?: NumberCase['check']): NumberCase => ({
  given: { name, model: base64(file), feeds: encoded(feeds) },
  check,
});

/** A model that ships, on numbers of a photo's range. */
async function shipped(name: string): Promise<NumberCase> {
  const file = readFileSync(path.join(root, `dist/models/${name}.filigree`));
  const { loadModel, Tensor } = (await import(path.join(root, 'dist/index.js'))) as typeof import('../../src/index.ts');
  const model = await loadModel(new Uint8Array(file));
  const feeds = model.inputs.map((port) => {
    const count = port.shape.reduce((a, b) => a * b);
    return [port.name, new Tensor('float32', port.shape, randomFloats(9)(count, 1))] as const;
  });
  model.dispose();
  return caseOf(name, file, Object.fromEntries(feeds));
}

/** @param random so many random networks */
export async function numberCases(random: number): Promise<NumberCase[]> {
  const cases: NumberCase[] = [];
  const seen = new Set<string>();
  for (const [name, { graph, costModel, ...plan }] of Object.entries(everyKernel)) {
    const program = lowerGraph(graph, costModel, plan);
    // engines that keep more sums in registers load another kernel in its place
    for (const { kernel } of program.steps) seen.add(kernel).add(wideKernels[kernel] ?? kernel);
    cases.push(caseOf(name, writeArtifact(program), feedsOf(graph)));
  }
  const missing = kernelNames.filter((name) => !(kernels[name] as Kernel).standalone && !seen.has(name));
  if (missing.length > 0) throw new Error(`no network has ${missing.join(', ')}`);

  fc.sample(recipes, { numRuns: random, seed: 20 }).forEach((recipe, i) => {
    const graph = build(recipe);
    const feeds = feedsOf(graph);
    const trial = prepareTrial(graph, feeds, settingOf(recipe));
    if (trial) cases.push(caseOf(`random ${i}`, trial.bytes, feeds, trial.check));
  });
  for (const name of ['face-detection', 'objects-small']) cases.push(await shipped(name));
  return cases;
}

/** What an engine's results are beside those of V8 in the same build. */
export interface Comparison {
  build: Build;
  networks: number;
  /** Numbers of all outputs. */
  count: number;
  /** Those whose bits are not V8's; NaN is NaN, whatever its payload. */
  otherBits: number;
  /** Largest difference to V8's `simd` build over the largest magnitude of the output. */
  difference: number;
  /** What the evaluator does not accept, and what fails. */
  wrong: string[];
}

const valuesOf = ({ dtype, bytes }: Encoded) => {
  const { buffer } = Uint8Array.from(Buffer.from(bytes, 'base64'));
  return Array.from(new arrays[dtype](buffer) as ArrayLike<number | bigint>, Number);
};

/** Compares one build's results with V8's. */
export function compareNumbers(cases: NumberCase[], found: Numbers, v8: Numbers, build: Build): Comparison {
  const result: Comparison = { build, networks: 0, count: 0, otherBits: 0, difference: 0, wrong: [] };
  for (const { given, check } of cases) {
    const outputs = found[given.name][build];
    if (typeof outputs === 'string') {
      result.wrong.push(`${given.name}: ${outputs}`);
      continue;
    }
    result.networks++;
    const results: Results = {};
    for (const [name, output] of Object.entries(v8[given.name][build])) {
      const values = valuesOf(outputs[name]);
      const same = valuesOf(output as Encoded);
      const simd = valuesOf((v8[given.name].simd as Record<string, Encoded>)[name]);
      const magnitude = simd.reduce((most, v) => (Number.isFinite(v) ? Math.max(most, Math.abs(v)) : most), 0);
      values.forEach((v, i) => {
        result.count++;
        // Object.is tells 0 from −0
        if (!Object.is(v, same[i])) result.otherBits++;
        if (Number.isFinite(v) && magnitude > 0) {
          result.difference = Math.max(result.difference, Math.abs(v - simd[i]) / magnitude);
        }
      });
      results[name] = { shape: outputs[name].shape, data: Float32Array.from(values) };
    }
    const wrong = check?.(results);
    if (wrong) result.wrong.push(`${given.name}: ${wrong}`);
  }
  return result;
}
