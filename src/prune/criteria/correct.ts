// Corrects means and magnitudes of outputs for weights chosen without data (magnitude, random).
import type { LayerProblem, Reconstruction } from './reconstruct.ts';
import { biasShiftOf, relative, withQuadratics } from './reconstruct.ts';
import { errorsOf, outputsOf } from './quadratic.ts';

/** Maximum scale of a channel. A larger one would rely on too few of its inputs. */
const maxScale = 4;

/**
 * Scales each output channel to its variance in the dense network, if that lowers its error on the calibration images, and
 * shifts biases so that means stay. The effect is that of re-estimated batch-norm statistics, folded into weights and biases.
 * No channel's error is above that of the given weights with corrected biases.
 * @param problem.pruned (rows, columns) weights in place of the dense ones; zeros stay
 */
export async function correct(
  problem: Omit<LayerProblem, 'ridge'> & { readonly pruned: Float32Array },
): Promise<Omit<Reconstruction, 'mask'>> {
  const { layer, weights: dense, statistics, pruned } = problem;
  return withQuadratics(problem, (kernels, quadratics) => {
    const weights = pruned.slice();
    const errors = new Float64Array(layer.rows);
    quadratics.forEach((quadratic, g) => {
      const { rows, n, power } = quadratic;
      const part = weights.subarray(g * rows * n, (g + 1) * rows * n);
      const { variance, covariance } = outputsOf(kernels, quadratic, part);
      for (let r = 0; r < rows; r++) {
        const scale = Math.min(maxScale, Math.sqrt(power[r] / variance[r]));
        // decrease of the error, as a function of the scale
        const gain = 2 * (scale - 1) * covariance[r] - (scale ** 2 - 1) * variance[r];
        if (!(gain > 0)) continue;
        for (let i = r * n; i < (r + 1) * n; i++) part[i] *= scale;
      }
      errors.set(errorsOf(kernels, quadratic, part), g * rows);
    });
    return { weights, biasShift: biasShiftOf(layer, weights, statistics, dense), error: relative(errors, quadratics) };
  });
}
