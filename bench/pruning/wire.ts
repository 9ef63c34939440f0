// Dense networks with rounded weights: bytes of the file, and accuracy.
import { brotliCompressSync, constants } from 'node:zlib';
import { writeArtifact } from '../../src/artifact/write.ts';
import type { ProgressLine } from '../../src/cli/io.ts';
import { compileGraph, weightTypes } from '../../src/compile.ts';
import { loadModel } from '../../src/runtime/load.ts';
import { cloneGraph } from '../../src/graph/clone.ts';
import { median } from '../measure.ts';
import type { Opened } from './networks.ts';
import { accuracyOf } from './networks.ts';
import type { Store } from './store.ts';

/** Milliseconds from bytes to a model, after the first time. */
async function loadMs(artifact: Uint8Array): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 9; i++) {
    const start = performance.now();
    const model = await loadModel(artifact);
    times.push(performance.now() - start);
    model.dispose();
  }
  return median(times.slice(1));
}

export async function measureWire(
  opened: Opened,
  store: Store,
  progress: ProgressLine,
  { threads, say }: { threads: number; say: (line: string) => void },
): Promise<void> {
  const { name: network, dense, images } = opened;
  const done = new Set(
    (await store.read('wire')).filter((line) => line.network === network).map(({ weights }) => weights),
  );
  for (const weights of weightTypes) {
    if (done.has(weights)) continue;
    const artifact = writeArtifact(compileGraph(cloneGraph(dense), { name: network, weights }));
    const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 };
    const line = {
      network,
      weights,
      accuracy: await accuracyOf(artifact, opened, progress, threads),
      images: images.files.length,
      bytes: artifact.length,
      brotli: brotliCompressSync(artifact, { params }).length,
      loadMs: await loadMs(artifact),
    };
    await store.add('wire', line);
    say(`${network} ${weights}: ${(100 * line.accuracy).toFixed(1)}, ${line.bytes} bytes, brotli ${line.brotli}`);
  }
}
