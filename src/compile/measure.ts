// Times of a program's matrix products by every kernel that can do them, on this device.
//
// Each candidate is timed where it will run: in the whole network, its input just written by the layer before, its weights
// as cold as a run of the network leaves them. The i-th of several programs has every product by its i-th candidate; the
// programs run in turns, layer by layer, so that what else the machine does hits all alike.
import { writeArtifact } from '../artifact/write.ts';
import type { Program } from '../program/program.ts';
import type { WasmProvider } from '../runtime/instantiate.ts';
import type { Model } from '../runtime/model.ts';
import type { WasmBuild } from '../runtime/probe.ts';
import { elementCount, Tensor } from '../tensor.ts';
import type { MatrixKernelName } from './matrix-kernels.ts';
import type { Product } from './repack.ts';
import { repack } from './repack.ts';

export interface MeasureOptions {
  /** Seconds to spend on running, warm-up included. Each candidate runs at least twice, however long that takes. */
  seconds: number;
  /** Candidates that the cost model finds so many times slower than the best are not tried. Default 3. */
  hopeless?: number;
  build?: WasmBuild;
  wasm?: WasmProvider;
  signal?: AbortSignal;
  /** Called after each round with the share of the time that is over, 0…1. */
  onProgress?: (share: number) => void;
}

export interface LayerTimes {
  /** The kernels of the layer's matrix products: all by the same one. */
  kernel: MatrixKernelName;
  /** Milliseconds of the whole layer, copies for k×k included: the least, and the median. */
  ms: number;
  medianMs: number;
}

/** What was measured. */
export interface Measured {
  build: WasmBuild;
  rounds: number;
  /** By layer; empty for layers without matrix products. Candidates in the order of `layerCandidates`. */
  layers: LayerTimes[][];
  /** Milliseconds of every layer in each of the programs that ran. */
  programs: { program: Program; ms: number[] }[];
}

/** The products of each layer that has any. */
export function productsByLayer(products: readonly Product[]): Map<number, Product[]> {
  const layers = new Map<number, Product[]>();
  for (const product of products) layers.set(product.layer, [...(layers.get(product.layer) ?? []), product]);
  return layers;
}

/** The kernels worth trying for a layer's products and their predicted milliseconds, fastest first. Dense is always one. */
export function layerCandidates(
  products: readonly Product[],
  hopeless = 3,
): { kernel: MatrixKernelName; ms: number; kept: number; isDense: boolean }[] {
  const sums = products[0].candidates.map(({ kernel }, i) => ({
    kernel,
    ms: products.reduce((sum, { candidates }) => sum + candidates[i].ms, 0),
    kept: products.reduce((sum, { candidates }) => sum + candidates[i].kept.weights, 0),
    isDense: i === 0,
  }));
  const best = Math.min(...sums.map(({ ms }) => ms));
  return sums.filter(({ ms, isDense }) => isDense || ms <= hopeless * best).sort((a, b) => a.ms - b.ms);
}

/** Measures every candidate of every layer. */
export async function measureProducts(
  program: Program,
  products: readonly Product[],
  options: MeasureOptions,
): Promise<Measured> {
  const { seconds, build, wasm, signal, onProgress } = options;
  const { loadModel } = await import('../runtime/load.ts');
  const layers = productsByLayer(products);
  const candidates = new Map([...layers].map(([layer, own]) => [layer, layerCandidates(own, options.hopeless)]));
  const programs = [...Array(Math.max(1, ...[...candidates.values()].map((own) => own.length))).keys()].map((i) => {
    const choices = products.map(({ step, layer }) => {
      const own = candidates.get(layer)!;
      return [step, own[i % own.length].kernel] as const;
    });
    return repack(program, new Map(choices));
  });
  const models: Model[] = [];
  try {
    for (const candidate of programs) models.push(await loadModel(writeArtifact(candidate), { build, wasm, signal }));
    const inputs = noise(models[0]);
    const times = models.map(() => program.layers.map((): number[] => []));
    const start = performance.now();
    const isOver = (share: number) => performance.now() - start >= 1000 * seconds * share;
    let rounds = 0;
    // the engine's optimising compiler needs a third of the time at most, and half a second does
    for (let isWarm = false; rounds === 0 || !isOver(1);) {
      signal?.throwIfAborted();
      for (const [i, model] of models.entries()) {
        const profile = await model.profile(inputs, { runs: 1, warmup: 0 });
        if (isWarm) profile.forEach(({ ms }, layer) => times[i][layer].push(ms));
      }
      if (isWarm) rounds++;
      isWarm ||= isOver(Math.min(1 / 3, 0.5 / seconds));
      onProgress?.(Math.min(1, (performance.now() - start) / (1000 * seconds)));
    }
    const least = times.map((own) => own.map((values) => Math.min(...values)));
    return {
      build: models[0].info.build,
      rounds,
      layers: program.layers.map((_, layer) => {
        return (candidates.get(layer) ?? []).map(({ kernel }, i) => {
          // programs beyond the number of candidates have them once more
          const own = times.flatMap((t, p) => (p % candidates.get(layer)!.length === i ? t[layer] : []));
          return { kernel, ms: Math.min(...own), medianMs: own.sort((a, b) => a - b)[own.length >> 1] };
        });
      }),
      programs: programs.map((candidate, i) => ({ program: candidate, ms: least[i] })),
    };
  } finally {
    for (const model of models) model.dispose();
  }
}

/** Seeded inputs, uniform in [−1, 1). */
export function noise({ inputs }: Model): Record<string, Tensor> {
  let state = 1;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0; // Numerical Recipes, "quick and dirty"
    return state / 2 ** 31;
  };
  const draw = (shape: readonly number[]) => Float32Array.from({ length: elementCount(shape) }, next);
  return Object.fromEntries(inputs.map(({ name, shape }) => [name, new Tensor('float32', shape, draw(shape))]));
}
