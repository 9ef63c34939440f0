// Summarises the results of each kernel over all its layers.
import type { KernelName } from '../src/kernels.ts';
import { geometricMean } from './measure.ts';
import type { Result } from './suite.ts';

export interface DensitySummary {
  density: number;
  layers: number;
  /** Geometric means over layers. */
  shareOfPeak: number;
  speedup?: number;
}

export interface KernelSummary {
  kernel: KernelName;
  encoding: 'sparse' | 'dense';
  densities: DensitySummary[];
  /** The density below which the kernel beats the best dense kernel; null when it never does, absent for dense kernels. */
  breakEvenDensity?: number | null;
}

/** Where log(speed-up) crosses 0 between measured densities; the largest density when it never goes below. */
export function breakEven(densities: readonly { density: number; speedup?: number }[]): number | null {
  const points = densities.filter(({ speedup }) => speedup !== undefined).toSorted((a, b) => b.density - a.density);
  for (const [i, { density, speedup }] of points.entries()) {
    const gain = Math.log(speedup!);
    if (gain < 0) continue;
    if (i === 0) return density;
    const loss = -Math.log(points[i - 1].speedup!);
    return density + ((points[i - 1].density - density) * gain) / (gain + loss);
  }
  return null;
}

export function summarise(results: readonly Result[]): KernelSummary[] {
  return [...new Set(results.map(({ kernel }) => kernel))].map((kernel) => {
    const own = results.filter((result) => result.kernel === kernel);
    const { encoding } = own[0];
    const ascending = [...new Set(own.map(({ density }) => density))].toSorted((a, b) => a - b);
    const densities = ascending.map((density) => {
      const at = own.filter((result) => result.density === density);
      const speedups = at.flatMap(({ speedup }) => speedup ?? []);
      return {
        density,
        layers: at.length,
        shareOfPeak: geometricMean(at.map(({ shareOfPeak }) => shareOfPeak)),
        ...(speedups.length === at.length && { speedup: geometricMean(speedups) }),
      };
    });
    return {
      kernel,
      encoding,
      densities,
      ...(encoding === 'sparse' && { breakEvenDensity: breakEven(densities) }),
    };
  });
}
