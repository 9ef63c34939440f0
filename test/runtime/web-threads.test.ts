// Threads of pages, whose workers may not start: with workers that answer when they are told to.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { WorkerTask } from '../../src/runtime/threads/host.ts';

/** How many workers stay silent, from the second on: the first tries out whether there are threads. */
let silent: number;
let started: FakeWorker[];

class FakeWorker extends EventTarget {
  tasks: unknown[] = [];
  ended = false;
  answers: boolean;
  constructor() {
    super();
    this.answers = started.length === 0 || started.length > silent;
    started.push(this);
    if (this.answers) this.say('here');
  }
  say(data: string) {
    queueMicrotask(() => this.dispatchEvent(new MessageEvent('message', { data })));
  }
  postMessage(task: unknown) {
    this.tasks.push(task);
    if (this.answers) this.say('ready');
  }
  terminate() {
    this.ended = true;
  }
}

beforeEach(() => {
  started = [];
  vi.resetModules();
  vi.useFakeTimers();
  vi.stubGlobal('Worker', FakeWorker);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** Starts one worker besides the spare one. */
async function startTwo() {
  const { webHost } = await import('../../src/runtime/threads/web.ts');
  const host = await webHost();
  if (typeof host === 'string') throw new Error(host);
  const heard: string[] = [];
  const events = {
    ready: () => void heard.push('ready'),
    done: () => void heard.push('done'),
    failed: (cause: unknown) => void heard.push((cause as Error).message),
  };
  const task = {} as WorkerTask;
  host.start(task, { ...events, failed() {}, ready() {} });
  const worker = host.start(task, events);
  return { heard, worker, task };
}

it.each([0, 1, 2])('a worker that does not answer is replaced: %d of them', async (count) => {
  silent = count;
  const { heard, worker, task } = await startTwo();
  await vi.advanceTimersByTimeAsync(80_000);
  expect(heard).toEqual(['ready']);
  expect(started.slice(1).map(({ ended, tasks }) => [ended, tasks])).toEqual([
    ...Array.from({ length: count }, () => [true, [task]]),
    [false, [task]],
  ]);
  worker.end();
  expect(started.at(-1)!.ended).toBe(true);
});

it('workers that never answer are one failure', async () => {
  silent = Infinity;
  const { heard } = await startTwo();
  await vi.advanceTimersByTimeAsync(80_000);
  expect(heard).toEqual(['the worker does not answer']);
  expect(started.slice(1).map(({ ended }) => ended)).toEqual([true, true, true]);
  await vi.advanceTimersByTimeAsync(80_000);
  expect(heard.length).toBe(1);
});

it('one that is ended before it answers is not replaced', async () => {
  silent = Infinity;
  const { heard, worker } = await startTwo();
  worker.end();
  await vi.advanceTimersByTimeAsync(80_000);
  expect([heard, started.length, started[1].ended]).toEqual([[], 2, true]);
});
