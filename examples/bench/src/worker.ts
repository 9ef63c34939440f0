// Measures in a worker, so that the page stays alive.
import relaxedPeak from 'peak:relaxed';
import simdPeak from 'peak:simd';
import face from '../../../bench/shapes/face_full_range.txt';
import linear from '../../../bench/shapes/linear.txt';
import v1 from '../../../bench/shapes/mobilenet_v1.txt';
import v2 from '../../../bench/shapes/mobilenet_v2.txt';
import other from '../../../bench/shapes/other.txt';
import { benchmarkKernels } from '../../../bench/benchmark.ts';
import { defaultTiming } from '../../../bench/measure.ts';
import { peakLoops } from '../../../bench/peak.ts';
import { joinShapes } from '../../../bench/shapes.ts';
import { createKernels } from '../../../src/kernels.ts';
import type { DeviceReport, FromWorker, NetworkResult, Settings } from './messages.ts';
import { networkCases, timeNetwork } from './networks.ts';

const scope = globalThis as unknown as {
  postMessage(message: FromWorker): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<Settings>) => void): void;
  crossOriginIsolated: boolean;
  navigator: Navigator;
};

const quickTiming = { batchMs: 3, batches: 7, warmUpMs: 120 };
const maxThreads = 4;

const layers = joinShapes([
  { network: 'mobilenet_v1', text: v1 },
  { network: 'mobilenet_v2', text: v2 },
  { network: 'face_full_range', text: face },
  { network: 'linear', text: linear },
  { network: 'other', text: other },
]);

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker's has none
const tell = (message: FromWorker) => scope.postMessage(message);
const show = (done: number, total: number, what: string) => tell({ kind: 'progress', done, total, what });

async function measure({ quick, filter, networks = Object.keys(networkCases) }: Settings): Promise<DeviceReport> {
  const kernels = await createKernels();
  const { build } = kernels;
  const loops = await peakLoops(build === 'relaxed' ? relaxedPeak : simdPeak, build);
  const date = new Date().toISOString();
  show(0, 1, 'this device’s peak');
  const found = await benchmarkKernels(kernels, loops, {
    quick,
    layers,
    timing: quick ? quickTiming : defaultTiming,
    onProgress: show,
    ...(filter !== undefined && { filter: new RegExp(filter) }),
  });
  const { hardwareConcurrency: cores = 1, userAgent } = scope.navigator;
  const isolated = scope.crossOriginIsolated;
  const counts = isolated && cores > 1 ? [1, Math.min(cores, maxThreads)] : [1];
  const results: NetworkResult[] = [];
  for (const [i, threads] of counts.entries()) {
    for (const [k, name] of networks.entries()) {
      const what = `${networkCases[name].title}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
      show(i * networks.length + k, counts.length * networks.length, what);
      const timing = quick ? { warmUpMs: 300, rounds: 15 } : { warmUpMs: 1000, rounds: 60 };
      results.push(...(await timeNetwork(name, { ...timing, threads, build, peakGflops: found.peak.gflops })));
    }
  }
  return { version: 1, date, device: { userAgent, cores, isolated }, build, quick, ...found, networks: results };
}

scope.addEventListener('message', async ({ data }) => {
  try {
    tell({ kind: 'report', report: await measure(data) });
  } catch (error) {
    tell({ kind: 'failed', message: (error as Error).message });
  }
});
