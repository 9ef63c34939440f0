// Measures this machine's peak in WebAssembly, with the loops of assembly/bench/peak.ts.
import { leastTimed } from './measure.ts';

export interface PeakSample {
  /** GFLOP/s of each loop. */
  mulAdd: number;
  relaxedMadd?: number;
  loadMulAdd: number;
  /** GB/s, read and written, of a copy of `bytes` bytes. */
  copy: { bytes: number; gbps: number }[];
}

export interface Peak {
  /** GFLOP/s of the best arithmetic loop in the best sample. */
  gflops: number;
  copy: { bytes: number; gbps: number }[];
  samples: PeakSample[];
}

interface PeakExports {
  mul_add(n: number, m: number, c: number): number;
  relaxed_madd(n: number, m: number, c: number): number;
  load_mul_add(n: number, x: number, weights: number, steps: number): number;
  copy(n: number, x: number, y: number, bytes: number): void;
}

/** Bytes copied, which is half of the bytes read and written, for comparison with a kernel's own bytes. */
const copySizes = [13, 15, 17, 19, 21, 23, 24].map((log) => 2 ** log);
const base = 65536;

/** The loops of a build's wasm. Each call of the result measures all: the first takes three seconds, later ones half a second. */
export async function peakLoops(wasm: Uint8Array, build: 'simd' | 'relaxed'): Promise<() => PeakSample> {
  const largest = copySizes.at(-1)!;
  const memory = new WebAssembly.Memory({ initial: Math.ceil((base + 2 * largest) / 65536) });
  const module = await WebAssembly.compile(wasm as BufferSource);
  const loops = (await WebAssembly.instantiate(module, { env: { memory } })).exports as unknown as PeakExports;
  new Float32Array(memory.buffer, base, (2 * largest) / 4).fill(1e-3);
  let warm = false;
  /** Units a nanosecond in the best of several runs. */
  const rate = (units: number, run: () => void): number => {
    let best = Infinity;
    const end = performance.now() + (warm ? 40 : 250);
    for (let times = 1; performance.now() < end || best === Infinity;) {
      const start = performance.now();
      for (let i = 0; i < times; i++) run();
      const taken = performance.now() - start;
      if (taken < leastTimed()) times *= 2;
      else best = Math.min(best, taken / times);
    }
    return units / best / 1e6;
  };
  return () => {
    const n = 20_000;
    const mulAdd = rate(96 * n, () => loops.mul_add(n, 0.5, 0.25));
    const relaxedMadd = build === 'relaxed' ? rate(96 * n, () => loops.relaxed_madd(n, 0.5, 0.25)) : undefined;
    // 128 weights against 14 KiB of x
    const loadMulAdd = rate(56 * 128 * 250, () => loops.load_mul_add(250, base + 1024, base, 128));
    const copy = copySizes.map((bytes) => {
      const times = Math.max(1, 2 ** 21 / bytes);
      const copied = rate(2 * bytes * times, () => loops.copy(times, base, base + largest, bytes));
      return { bytes: 2 * bytes, gbps: copied };
    });
    warm = true;
    return { mulAdd, ...(relaxedMadd && { relaxedMadd }), loadMulAdd, copy };
  };
}

/** The best of several samples. */
export function peakOf(samples: PeakSample[]): Peak {
  const gflops = Math.max(
    ...samples.flatMap(({ mulAdd, relaxedMadd = 0, loadMulAdd }) => [mulAdd, relaxedMadd, loadMulAdd]),
  );
  const copy = samples[0].copy.map(({ bytes }, i) => ({
    bytes,
    gbps: Math.max(...samples.map((sample) => sample.copy[i].gbps)),
  }));
  return { gflops, copy, samples };
}

/** GB/s of a copy loop that moves `bytes` bytes, interpolated over their logarithm. */
export function copyBandwidth({ copy }: Peak, bytes: number): number {
  const after = copy.findIndex((point) => point.bytes >= bytes);
  if (after === 0) return copy[0].gbps;
  if (after < 0) return copy.at(-1)!.gbps;
  const [a, b] = [copy[after - 1], copy[after]];
  const t = Math.log(bytes / a.bytes) / Math.log(b.bytes / a.bytes);
  return a.gbps + t * (b.gbps - a.gbps);
}
