// The scenario that every host runs with the package, and its report. Plain JavaScript, because hosts run it unchanged.

/** An error as it crosses to the test. */
async function failure(work) {
  try {
    await work();
  } catch (error) {
    // DOMException has a number for a code
    return { code: typeof error.code === 'string' ? error.code : error.name, message: error.message };
  }
  return undefined;
}

/** Kills a worker between two runs, or in one where the page's thread awaits it. */
async function deathOf(detector, photo, workers) {
  await detector.detect(photo);
  const mine = workers.filter(({ ended }) => !ended);
  const run = detector.detect(photo);
  run.catch(() => {});
  await Promise.resolve();
  mine[1].kill();
  // pages hear of it at once
  while (mine[1].exited === false) await new Promise((resolve) => setTimeout(resolve, 5));
  const first = await failure(() => run);
  const second = await failure(() => detector.detect(photo));
  detector.dispose();
  return { failure: first ?? second, ended: mine.filter(({ ended }) => ended).length };
}

/**
 * @param filigree exports of the package
 * @param given.model gives the model as this host has it
 * @param given.photo pixels with faces
 * @param given.threads thread counts to run with, one after the other
 * @param given.workers those that the host has started, filled as it starts them (watch.mjs), to kill one
 * @param given.missing a URL or path where nothing is, if the host can ask for one
 * @param given.notWasm a URL or path of something that is no WebAssembly, likewise
 */
export async function scenario(
  { createDetector, loadModel },
  { model, photo, threads = [1], workers, missing, notWasm },
) {
  const runs = [];
  for (const count of threads) {
    const start = performance.now();
    const detector = await createDetector(model(), { threads: count });
    const { detections } = await detector.detect(photo);
    const ms = performance.now() - start;
    const again = await detector.detect(photo);
    const { info } = detector.model;
    detector.dispose();
    detector.dispose();
    const disposed = await failure(() => detector.detect(photo));
    runs.push({
      build: info.build,
      threads: info.threads,
      notes: info.notes,
      detections,
      again: again.detections,
      disposed,
      ms,
    });
  }
  const death = workers && (await deathOf(await createDetector(model(), { threads: 3 }), photo, workers));
  const failures = {};
  failures.notModel = await failure(() =>
    loadModel(new TextEncoder().encode('<!doctype html><title>Not found</title>')),
  );
  failures.aborted = await failure(() => loadModel(model(), { signal: AbortSignal.abort() }));
  if (missing) {
    failures.missingModel = await failure(() => loadModel(missing));
    failures.missingWasm = await failure(() => loadModel(model(), { wasm: () => missing }));
  }
  if (notWasm) failures.notWasm = await failure(() => loadModel(model(), { wasm: () => notWasm }));
  return { runs, death, failures };
}
