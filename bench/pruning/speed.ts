// Times pruned artifacts against our own dense network. All models of a batch take turns.
import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { loadModel } from '../../src/runtime/load.ts';
import type { Model } from '../../src/runtime/model.ts';
import { Tensor, elementCount } from '../../src/tensor.ts';
import { median } from '../measure.ts';
import { randomFloats } from '../place.ts';
import type { NetworkName } from './networks.ts';
import type { CellResult, Store } from './store.ts';

/** Models in memory at a time, in addition to the dense one. */
const batchSize = 8;

/** V8's optimising compiler needs a quarter of a second for each. */
const warmUpMs = 250;

async function load(path: string): Promise<{ model: Model; run: () => Promise<unknown> }> {
  const model = await loadModel(new Uint8Array(await readFile(path)));
  const inputs = Object.fromEntries(
    model.inputs.map(({ name, dtype, shape }) => {
      const values = randomFloats(elementCount(shape));
      return [name, new Tensor(dtype, shape, dtype === 'float32' ? values : undefined)];
    }),
  );
  return { model, run: () => model.run(inputs) };
}

/** Times cells of one network; each batch is saved when it is done. */
export async function timeCells(
  network: NetworkName,
  cells: readonly CellResult[],
  store: Store,
  { rounds, seconds }: { rounds: number; seconds: number },
): Promise<number> {
  const start = performance.now();
  let timed = 0;
  for (let at = 0; at < cells.length; at += batchSize) {
    if ((performance.now() - start) / 1000 > seconds) break;
    const batch = cells.slice(at, at + batchSize);
    const loaded = await Promise.all(
      [`${network}_dense`, ...batch.map(({ id }) => id)].map((id) => load(store.artifact(id))),
    );
    try {
      for (const { run } of loaded)
        for (const end = performance.now() + warmUpMs; performance.now() < end;) await run();
      const times: number[][] = loaded.map(() => []);
      for (let round = 0; round < rounds; round++) {
        for (const [i, { run }] of loaded.entries()) {
          const begin = performance.now();
          await run();
          times[i].push(performance.now() - begin);
        }
      }
      const [denseMs, ...ms] = times.map(median);
      const { build } = loaded[0].model.info;
      for (const [i, { id }] of batch.entries()) {
        await store.add('speed', { id, network, ms: ms[i], denseMs, node: process.version, build, rounds });
      }
      timed += batch.length;
    } finally {
      for (const { model } of loaded) model.dispose();
    }
  }
  return timed;
}
