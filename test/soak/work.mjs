// A long run in any host, and the memory it leaves. Plain JavaScript, because hosts run it unchanged.
//
// To be imported before the package is: it counts memories from then on.

/** Memories that have been made; those that live are found after a garbage collection. */
const memories = [];
const { Memory } = WebAssembly;
WebAssembly.Memory = class extends Memory {
  constructor(descriptor) {
    super(descriptor);
    memories.push(new WeakRef(this));
  }
};

/** Fewest that have been found alive. */
let least = Infinity;

/** Workers that have been started and have not gone. */
const running = (workers) => workers.filter(({ ended, exited }) => !ended || exited === false).length;

/** Waits for workers to go: they are told to at once, and a busy machine lets them when it comes to them. */
async function workersGone(workers) {
  for (let i = 0; i < 3000 && running(workers) > 0; i++) await new Promise((resolve) => setTimeout(resolve, 10));
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

/**
 * What is in use after garbage has been collected.
 * @param host.gc collects it
 * @param host.usage bytes in use, by kind
 * @param host.workers those that have been started (watch.mjs)
 */
async function measure({ gc, usage, workers }) {
  let living = [];
  // now and then one is left over from the last cycle, and would be taken for growth where it is the last that is measured
  for (let i = 0; i < 3 || (i < 8 && living.length > least); i++) {
    await turn(); // a WeakRef keeps its target alive until then
    living = [];
    await turn();
    await gc();
    living = memories.map((ref) => ref.deref()).filter(Boolean);
  }
  least = Math.min(least, living.length);
  return {
    ...(await usage()),
    memories: living.length,
    memoryBytes: living.reduce((sum, { buffer }) => sum + buffer.byteLength, 0),
    workers: running(workers),
  };
}

/** Does something `count` times, and measures several times meanwhile. */
async function phase(name, count, host, work) {
  const points = Math.min(20, count);
  const samples = [];
  const start = performance.now();
  for (let i = 0, next = 0; i < count; i++) {
    await work(i);
    if (i + 1 < ((next + 1) * count) / points) continue;
    next++;
    samples.push({ at: i + 1, ...(await measure(host)) });
  }
  return { name, count, ms: performance.now() - start, samples };
}

/** A number that is another for other detections. */
const digest = ({ detections }) => JSON.stringify(detections);

async function refused(promise) {
  try {
    await promise;
  } catch (error) {
    return error.code ?? error.name ?? String(error);
  }
  return 'nothing';
}

/**
 * @param filigree exports of the package
 * @param given.model gives the model as this host has it
 * @param given.photo pixels with faces
 * @param counts of each phase
 */
export async function soak({ createDetector, loadModel }, { model, photo, host }, counts) {
  const one = await createDetector(model());
  const wanted = digest(await one.detect(photo));
  const wrong = [];
  const check = (found, where) => void (digest(found) === wanted || wrong.push(where));
  const ends = {};
  const phases = [];
  const run = async (...args) => void phases.push(await phase(...args));

  await run('runs', counts.runs, host, async (i) => check(await one.detect(photo), `run ${i}`));

  await run('load and dispose', counts.loads, host, async (i) => {
    const detector = await createDetector(model());
    if (i % 10 === 0) check(await detector.detect(photo), `load ${i}`);
    detector.dispose();
    detector.dispose();
  });

  // 'disposed' detectors that someone still holds have given all back
  const held = [];
  await run('thread pools', counts.pools, host, async (i) => {
    const detector = await createDetector(model(), { threads: 2 + (i % 2) });
    check(await detector.detect(photo), `pool ${i}`);
    detector.dispose();
    held[i % 4] = detector;
  });

  await run('models at once', counts.models, host, async (i) => {
    const threads = [1, 1, 2, 3];
    const detectors = await Promise.all(threads.map((n) => createDetector(model(), { threads: n })));
    const found = await Promise.all([...detectors, ...detectors].map((detector) => detector.detect(photo)));
    for (const each of found) check(each, `models ${i}`);
    for (const detector of detectors) detector.dispose();
  });

  const two = await createDetector(model(), { threads: 2 });
  const [{ name, shape }] = two.model.inputs;
  const zeros = { dtype: 'float32', shape, data: new Float32Array(shape.reduce((a, b) => a * b)) };
  await run('calls at once', counts.calls, host, async (i) => {
    for (const detector of [one, two]) {
      const order = [];
      const calls = Array.from({ length: 8 }, (_, call) =>
        call === 3
          ? refused(detector.model.run({})).then((end) => order.push(end))
          : detector.detect(photo).then((found) => (check(found, `calls ${i}`), order.push(call))),
      );
      if (i % 4 === 0) calls.push(detector.model.profile({ [name]: zeros }, { runs: 1, warmup: 0 }));
      await Promise.all(calls);
      const failed = order.splice(order.indexOf('invalid-argument'), 1); // at its turn, but earlier where nothing is awaited
      if (order.join() !== '0,1,2,4,5,6,7' || failed.length === 0) wrong.push(`order of calls: ${order}`);
    }
  });
  two.dispose();

  await run('stopped in the middle', counts.stops, host, async (i) => {
    const controller = new AbortController();
    const load = loadModel(model(), { threads: 1 + (i % 3), signal: controller.signal });
    const stop = refused(load.then((loaded) => loaded.dispose()));
    setTimeout(() => controller.abort(), i % 25);
    const detector = await createDetector(model(), { threads: 1 + (i % 3) });
    const runs = [1, 2, 3].map(() => refused(detector.detect(photo)));
    if (i % 2) await Promise.resolve();
    detector.dispose();
    const late = refused(detector.detect(photo));
    for (const end of await Promise.all([stop, ...runs, late])) ends[end] = (ends[end] ?? 0) + 1;
  });

  // Measured as before: what was alive at the start is alive again, and nothing else.
  const [first] = phases[0].samples;
  one.dispose();
  await workersGone(host.workers);
  const last = await measure(host);
  return { phases, first, last, wrong, ends, held: held.length };
}
