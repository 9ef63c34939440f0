// Fuzzes one target in its own thread: changes inputs of the corpus, and keeps those that reach new code.
// What it is at lies in shared memory, where the main thread watches time and memory (main.ts).
import { parentPort, workerData } from 'node:worker_threads';
import v8 from 'node:v8';
import vm from 'node:vm';
import { FiligreeError } from '../../src/errors.ts';
import { maxBytes } from './bytes.ts';
import { Coverage } from './coverage.ts';
import { Random } from './random.ts';
import { targets } from './targets.ts';
import type { Target } from './targets.ts';
import { headerBytes } from './task.ts';
import type { Report, Task } from './task.ts';

/** Inputs between two looks at what has run: a look takes as long as hundreds of small inputs, and most find nothing. */
const [minBatch, maxBatch] = [24, 1536];

const { target: name, seed, corpus, shared, runs, until, minimise } = workerData as Task;
const target: Target = targets[name];
const coverage = new Coverage(/\/worker-\d+\.mjs$/);
const state = new Int32Array(shared, 0, headerBytes / 4);
const current = new Uint8Array(shared, headerBytes);
const random = new Random(seed);
v8.setFlagsFromString('--expose-gc');
const collectGarbage = vm.runInNewContext('gc') as () => void;
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port of node:worker_threads
const report = (message: Report) => parentPort!.postMessage(message);

let executions = 0;
let results = 0;
let refused = 0;

async function execute(input: Uint8Array): Promise<void> {
  current.set(input);
  state[2] = input.length;
  state[1] = ++executions;
  Atomics.store(state, 0, 1);
  try {
    await target.run(input);
    results++;
  } catch (error) {
    if (error instanceof FiligreeError) refused++;
    else report({ kind: 'fault', input, error: (error as Error)?.stack ?? String(error) });
  }
  Atomics.store(state, 0, 0);
  if (executions % 8 === 0 && process.memoryUsage.rss() > 400 * 2 ** 20) collectGarbage();
}

/** Runs inputs, and keeps those that reach something new: where one did, halves are run again until it is found. */
async function explore(inputs: Uint8Array[]): Promise<boolean> {
  for (const input of inputs) await execute(input);
  if (!coverage.take()) return false;
  if (inputs.length === 1) keep(inputs[0]);
  else {
    coverage.forgetLast();
    const middle = inputs.length >> 1;
    await explore(inputs.slice(0, middle));
    await explore(inputs.slice(middle));
  }
  return true;
}

async function bringers(inputs: readonly Uint8Array[]): Promise<Uint8Array[]> {
  const found: Uint8Array[] = [];
  for (const input of inputs) {
    await execute(input);
    if (coverage.take()) found.push(input);
  }
  return found;
}

function keep(input: Uint8Array): void {
  corpus.push(input);
  report({ kind: 'new', input });
}

if (minimise) {
  // smallest first, then of those the largest first: what one large one does needs no small ones
  const sorted = corpus.splice(0).sort((a, b) => a.length - b.length);
  const needed = await bringers(sorted);
  coverage.forgetAll();
  for (const input of await bringers(needed.reverse())) keep(input);
} else {
  for (const input of corpus) await execute(input);
  coverage.take();
  const isOver = () => executions >= runs || Date.now() >= until;
  for (let batch = minBatch; !isOver();) {
    const inputs: Uint8Array[] = [];
    for (let i = 0; i < Math.min(batch, runs - executions); i++) {
      const other = () => random.pick(corpus);
      // recent finds are tried more often
      let input = random.oneIn(3) ? corpus[Math.max(0, corpus.length - 1 - random.below(8))] : other();
      for (let n = 1 + (random.oneIn(2) ? 0 : random.below(4)); n > 0; n--) input = target.mutate(input, random, other);
      inputs.push(input.length > maxBytes ? input.slice(0, maxBytes) : input);
    }
    batch = (await explore(inputs)) ? minBatch : Math.min(maxBatch, 2 * batch);
  }
}
const { covered, all } = coverage.share(target.sources);
report({ kind: 'done', executions, results, refused, covered, all });
