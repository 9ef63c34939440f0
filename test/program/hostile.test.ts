// Whatever an artifact says, it is refused with a FiligreeError or runs without a trap, soon, and inside its buffers: every
// number, string, list and object of real artifacts is replaced by hostile ones. FILIGREE_HOSTILE=1 tries all of them.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readArtifact } from '../../src/artifact/read.ts';
import { writeArtifact } from '../../src/artifact/write.ts';
import { compileModel } from '../../src/compile.ts';
import { FiligreeError } from '../../src/errors.ts';
import { checkProgram } from '../../src/program/check.ts';
import { kernelNames, kernels } from '../../src/program/kernels.ts';
import type { KernelName } from '../../src/program/kernels.ts';
import type { Program } from '../../src/program/program.ts';
import { wideKernels } from '../../src/program/wide.ts';
import { withSmallTiles, withWideTiles } from '../../src/runtime/adapt.ts';
import type { Instance } from '../../src/runtime/instantiate.ts';
import { instantiate } from '../../src/runtime/instantiate.ts';
import { cpuMs, expectCpuBelow } from '../cpu.ts';
import { faceModels } from '../models/published.ts';
import { everyProgram } from './every-kernel.ts';
import { layOutApart, memoryBytes, runGuarded } from './guarded.ts';

const everything = !!process.env.FILIGREE_HOSTILE;

type Json = any;

// The same artifacts, in parts: their header, the program in it, and the data of the tensors.
interface Artifact {
  header: Json;
  program: Json;
  data: Uint8Array;
}

function takeApart(bytes: Uint8Array): Artifact {
  const start = 8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start)));
  return { header, program: JSON.parse(header.__metadata__.program), data: bytes.subarray(start) };
}

/** Stands for a list in a list in a list …, so deep that no function can walk it by calling itself. */
const deep = 'a deep list';

function toText(json: Json): string {
  return JSON.stringify(json).replaceAll(`"${deep}"`, '['.repeat(20_000) + ']'.repeat(20_000));
}

function putTogether({ header, data }: Artifact, program: Json): Uint8Array {
  const metadata = program && { ...header.__metadata__, program: toText(program) };
  const text = new TextEncoder().encode(toText(metadata ? { ...header, __metadata__: metadata } : header));
  const start = Math.ceil((8 + text.length) / 64) * 64;
  const bytes = new Uint8Array(start + data.length).fill(0x20, 8, start);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - 8), true);
  bytes.set(text, 8);
  bytes.set(data, start);
  return bytes;
}

const artifacts = everyProgram().map(([name, program]) => ({ name, ...takeApart(writeArtifact(program)) }));

const others: Json[] = [null, true, 'x', '__proto__', 'inf', '-inf', [], {}, deep, { toString: 1 }, [-1], ['x']];
const small = [0, 1, 2, 3, 4, 7, 8, 16, 64, 100, 0.5, -1];
const large = [2 ** 16, 2 ** 24, 2 ** 28, 2 ** 30, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 4, 2 ** 32 - 1, 2 ** 32, 2 ** 53];
const hostile: Json[] = [...others, ...small, ...large, 1e300, -(2 ** 31)];

/** Every place in a JSON value: how to reach it. */
function* placesOf(value: Json, path: (string | number)[] = []): Generator<(string | number)[]> {
  if (path.length) yield path;
  if (typeof value !== 'object' || value === null) return;
  for (const key of Object.keys(value)) yield* placesOf(value[key], [...path, key]);
}

/** Puts `value` at a place for as long as `visit` takes. */
async function replaced(json: Json, path: (string | number)[], value: Json, visit: () => Promise<void>): Promise<void> {
  const parent = path.slice(0, -1).reduce((at, key) => at[key], json);
  const key = path.at(-1)!;
  const old = parent[key];
  parent[key] = value;
  try {
    await visit();
  } finally {
    parent[key] = old;
  }
}

function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(((state >>> 4) / 2 ** 28) * below);
  };
}

const changes = [(program: Program) => program, withWideTiles, withSmallTiles];

interface Outcome {
  refused: number;
  ran: number;
}

/** Reads, checks and runs what may be hostile. */
async function tryOut(bytes: Uint8Array, what: () => string, instance: Instance, outcome: Outcome): Promise<void> {
  const start = cpuMs();
  // loaders change kernels and tiles to fit their engine
  const change = changes[(outcome.refused + outcome.ran) % changes.length];
  try {
    const program = change(readArtifact(bytes, 'test'));
    checkProgram(program);
    const layout = layOutApart(program);
    if (!layout) return;
    await runGuarded(program, layout, instance);
    outcome.ran++;
  } catch (error) {
    if (!(error instanceof FiligreeError)) throw new Error(`${what()}: ${String(error)}`, { cause: error });
    expect(error.code, what()).toBe('invalid-model');
    expect(error.message.length, what()).toBeLessThan(1000);
    outcome.refused++;
  }
  expectCpuBelow(start, 5000, what());
}

describe('a hostile artifact', async () => {
  const instance = await instantiate(memoryBytes, 'simd');

  it('is tried with every kernel that programs hold', () => {
    const used = new Set(artifacts.flatMap(({ program }) => program.steps.map((step: Json) => step[0])));
    for (const kernel of used) if (kernel in wideKernels) used.add(wideKernels[kernel as KernelName]);
    expect([...used].sort()).toEqual(kernelNames.filter((name) => !('standalone' in kernels[name])).sort());
  });

  it.each(artifacts)('is refused or harmless wherever one thing is changed: $name', async (artifact) => {
    const { name, program } = artifact;
    const next = seeded(name.length);
    const outcome = { refused: 0, ran: 0 };
    await tryOut(putTogether(artifact, program), () => `${name} as it was`, instance, outcome);
    expect(outcome).toEqual({ refused: 0, ran: 1 });
    for (const path of placesOf(program)) {
      const pointers = program.buffers.map((_: Json, i: number) => i);
      const values = path[0] === 'steps' ? [...hostile, ...pointers] : hostile;
      for (const value of values) {
        if (!everything && next(8)) continue;
        const what = () => `${name}: ${path.join('.')} = ${JSON.stringify(value)}`;
        await replaced(program, path, value, () => tryOut(putTogether(artifact, program), what, instance, outcome));
      }
    }
    expect(outcome.refused).toBeGreaterThan(20);
    expect(outcome.ran).toBeGreaterThan(20);
  });

  it.each(artifacts)('is refused or harmless when several numbers are changed: $name', async (artifact) => {
    const { name, program } = artifact;
    const next = seeded(7 * name.length);
    const outcome = { refused: 0, ran: 0 };
    const numbers = [...placesOf({ steps: program.steps, buffers: program.buffers })].filter(
      (path) => typeof path.reduce((at, key) => at[key], program) === 'number',
    );
    for (let round = 0; round < (everything ? 20_000 : 150); round++) {
      const changes: [path: (string | number)[], value: number][] = [];
      const first = numbers[next(numbers.length)];
      const near = numbers.filter((path) => path[0] === first[0] && path[1] === first[1]);
      for (let i = 2 + next(3); i > 0; i--) {
        const old = numbers.length;
        changes.push([near[next(near.length)], [0, 1, 2, 3, 4, 8, 16, 64, 2 ** 31, 2 ** 32 - 4, next(old)][next(11)]]);
      }
      const apply = async (rest: typeof changes): Promise<void> => {
        if (!rest.length) {
          const what = () => `${name}: ${changes.map(([path, value]) => `${path.join('.')} = ${value}`)}`;
          return tryOut(putTogether(artifact, program), what, instance, outcome);
        }
        const [[path, value], ...others] = rest;
        return replaced(program, path, value, () => apply(others));
      };
      await apply(changes);
    }
    expect(outcome.refused).toBeGreaterThan(10);
  });

  it('is refused or harmless wherever its header is changed', async () => {
    const { header, data } = artifacts[1];
    const artifact = { header: structuredClone(header), program: undefined, data };
    const outcome = { refused: 0, ran: 0 };
    for (const path of placesOf(artifact.header)) {
      for (const value of hostile) {
        const what = () => `header: ${path.join('.')} = ${JSON.stringify(value)}`;
        const visit = () => tryOut(putTogether(artifact, undefined), what, instance, outcome);
        await replaced(artifact.header, path, value, visit);
      }
    }
    expect(outcome.refused).toBeGreaterThan(100);
  });

  it('is refused or harmless when it is a published model', async () => {
    const artifact = takeApart(compileModel(readFileSync(faceModels.sparse)));
    const { program } = artifact;
    const next = seeded(5);
    const outcome = { refused: 0, ran: 0 };
    const places = [...placesOf(program)];
    for (let round = 0; round < (everything ? 20_000 : 60); round++) {
      const path = places[next(places.length)];
      const value = hostile[next(hostile.length)];
      const what = () => `face: ${path.join('.')} = ${JSON.stringify(value)}`;
      await replaced(program, path, value, () => tryOut(putTogether(artifact, program), what, instance, outcome));
    }
    expect(outcome.refused).toBeGreaterThan(10);
  });
});
