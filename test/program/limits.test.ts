// The memory and work of a file are known before anything is allocated, for any content of the file.
import { expect, it } from 'vitest';
import { readArtifact } from '../../src/artifact/read.ts';
import { writeArtifact } from '../../src/artifact/write.ts';
import { lowerGraph } from '../../src/compile/lower-graph.ts';
import { checkProgram } from '../../src/program/check.ts';
import { loadModel } from '../../src/runtime/load.ts';
import { everyKernel } from './every-kernel.ts';

it.each(Object.entries(everyKernel))('the work of a program is at least its multiplications: %s', (_, graph) => {
  const program = lowerGraph(graph.graph, graph.costModel, graph);
  const macs = program.layers.map(() => 0);
  checkProgram(program).forEach((work, i) => (macs[program.steps[i].layer] += work));
  expect(macs.every((work) => work > 0)).toBe(true);
  program.layers.forEach(({ effectiveMacs }, i) => expect(macs[i]).toBeGreaterThanOrEqual(effectiveMacs));
  // and not much more
  const all = program.layers.reduce((sum, layer) => sum + layer.macs, 0);
  if (all > 1000) expect(macs.reduce((a, b) => a + b)).toBeLessThan(8 * all + 2000);
});

const artifact = () => {
  const { graph, costModel } = everyKernel['convolutions, dense'];
  return writeArtifact(lowerGraph(graph, costModel));
};

it('refuses a model that needs more memory or work than it may', async () => {
  const model = await loadModel(artifact());
  const { work, memory } = model.info;
  model.dispose();
  expect(work).toBeGreaterThan(1000);
  const load = (limits: { memory?: number; work?: number }) => loadModel(artifact(), { limits });
  (await load({ work, memory: memory.total })).dispose();
  await expect(load({ work: work - 1 })).rejects.toThrow(`needs ${work} multiply-accumulates per run`);
  await expect(load({ memory: 16384 })).rejects.toThrow(/needs \d+ bytes of memory, more than limits.memory, 16384/);
});

it('counts the memory of threads', async () => {
  const refusal: Error = await loadModel(artifact(), { limits: { memory: 1 } }).catch((error) => error);
  const memory = Number(/needs (\d+) bytes/.exec(refusal.message)![1]);
  (await loadModel(artifact(), { limits: { memory } })).dispose();
  const onThreads = loadModel(artifact(), { threads: 4, limits: { memory } });
  await expect(onThreads).rejects.toThrow('more than limits.memory');
});

it('refuses gigabytes of activations before it allocates them', async () => {
  const program = readArtifact(artifact(), 'test');
  const large = { ...program, arenaBytes: 2 ** 31 - 64 };
  await expect(loadModel(writeArtifact(large))).rejects.toThrow('more than limits.memory, 1073741824');
});

it('refuses tap tables that a few bytes ask for', () => {
  const program = readArtifact(artifact(), 'test');
  const taps = { channels: 2 ** 20, kernel: [5, 5], stride: [1, 1], dilation: [1, 1] } as const;
  const constant = { form: 'taps', taps: { ...taps, channelBytes: 0, phaseBytes: 0, rowBytes: 0 } } as const;
  program.buffers.push({ kind: 'constant', constant });
  expect(() => checkProgram(program)).toThrow(/tap tables up to buffers.* would take 104\d+ bytes/);
});
