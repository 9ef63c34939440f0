// Which blocks to keep.
import { alternate } from './admm.ts';
import type { Kernels } from './kernels.ts';
import type { Damped } from './least-squares.ts';
import { inverseOf } from './least-squares.ts';
import type { Blocks, Mask } from './pattern.ts';
import type { Quadratic } from './quadratic.ts';

/** Sum of ŵ² / [(H + λI)⁻¹]: what removing a block costs when the others make up for it, as if weights were independent. */
export function surgeonScores(
  kernels: Kernels,
  quadratics: readonly Quadratic[],
  systems: readonly Damped[],
  { blockOf, count }: Blocks,
): Float32Array {
  const scores = new Float64Array(count);
  const sizes = new Int32Array(count);
  const size = blockOf.length / quadratics.length;
  quadratics.forEach((quadratic, g) => {
    kernels.scope(() => {
      const { rows, n, stride } = quadratic;
      const { at, diagonal } = inverseOf(kernels, quadratic, systems[g]);
      const best = kernels.doubles(rows * stride);
      kernels.run.dots(rows, n, n, systems[g].target, stride, at, stride, best, stride, 0, 1);
      const w = kernels.float64(best, rows * stride);
      for (let r = 0; r < rows; r++) {
        for (let i = 0; i < n; i++) {
          const block = blockOf[g * size + r * n + i];
          scores[block] += w[r * stride + i] ** 2 / diagonal[i];
          sizes[block]++;
        }
      }
    });
  });
  return Float32Array.from(scores, (score, block) => score / Math.max(1, sizes[block]));
}

/**
 * The blocks to keep. Against keeping those of the highest `surgeonScores`, errors after least squares are 25 % lower at 50 %
 * of zeros and 30 to 34 % at 70 % (MobileNetV1, unstructured), for some seconds more on the largest layers.
 */
export function chooseSupport(
  kernels: Kernels,
  quadratics: readonly Quadratic[],
  systems: readonly Damped[],
  blocks: Blocks,
  keep: number,
  weights: Float32Array,
): Mask {
  if (!blocks.sets && keep >= blocks.count) return new Uint8Array(blocks.blockOf.length).fill(1);
  return alternate(kernels, quadratics, systems, blocks, keep, weights);
}
