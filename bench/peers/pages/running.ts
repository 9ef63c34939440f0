// What a page does with a runtime: loads a model, runs it once, times it. The page's address says what and how:
//
//   RUNTIME.html?{"model":"/models/x.tflite","input":"/models/x.bin","threads":1,"iterations":60,"warmUpMs":400,"timedMs":500}
import { clockStep, leastTimed } from '../../measure.ts';
import type { PageOptions, PageResult } from '../browser.ts';

/** A loaded model with its inputs. */
export interface Running {
  /** Runs it; may return what to do after it, untimed. */
  run(): Promise<void | (() => void)> | void | (() => void);
  /** Of the last run, in the order of the model's outputs. */
  outputs(): Promise<Floats[]> | Floats[];
}

interface Floats {
  shape: ArrayLike<number>;
  data: ArrayLike<number>;
}

/** Loads a model from a URL. */
export type Load = (model: string, input: Float32Array, threads: number) => Promise<Running>;

/** Starts at once, so that the time to the first result counts from the navigation; drivers await `globalThis.measured`. */
export function measure(load: Load): void {
  const options = JSON.parse(decodeURIComponent(location.search.slice(1))) as PageOptions;
  Object.assign(globalThis, { measured: measureWith(load, options) });
}

async function measureWith(
  load: Load,
  { model, input, threads, iterations, warmUpMs, timedMs }: PageOptions,
): Promise<PageResult> {
  const floats = new Float32Array(await (await fetch(input)).arrayBuffer());
  const running = await load(model, floats, threads);
  const after = await running.run();
  const outputs = (await running.outputs()).map(({ shape, data }) => ({
    shape: Array.from(shape),
    base64: base64Of(Float32Array.from(data)),
  }));
  const msCold = performance.now();
  after?.();
  // so many runs a sample that the clock tells its length
  const repeated = async (times: number) => {
    const start = performance.now();
    for (let i = 0; i < times; i++) (await running.run())?.();
    return (performance.now() - start) / times;
  };
  let last = 0;
  const warm = performance.now() + warmUpMs;
  for (let i = 0; i < 3 || performance.now() < warm; i++) last = await repeated(1);
  const times = Math.max(1, Math.ceil(leastTimed() / Math.max(last, clockStep())));
  const samples: number[] = [];
  const end = performance.now() + timedMs;
  while (samples.length < iterations && (samples.length < 5 || performance.now() < end)) {
    samples.push(await repeated(times));
  }
  samples.sort((a, b) => a - b);
  return { msCold, msMedian: samples[samples.length >> 1], msMinimum: samples[0], outputs };
}

function base64Of({ buffer }: Float32Array): string {
  const bytes = new Uint8Array(buffer);
  const parts: string[] = [];
  for (let i = 0; i < bytes.length; i += 0x8000) parts.push(String.fromCharCode(...bytes.subarray(i, i + 0x8000)));
  return btoa(parts.join(''));
}
