// Weights that a criterion has chosen without looking at data (magnitude, random): their means and sizes put right.
import type { LayerProblem, Reconstruction } from './reconstruct.ts';
import { biasShiftOf, relative, withQuadratics } from './reconstruct.ts';
import { errorsOf, outputsOf } from './quadratic.ts';

/** Channels are not made larger than this: what is left of their inputs says too little. */
const maxScale = 4;

/**
 * Scales each output channel to the variance that the dense network gives it, where that lowers its error on the calibration
 * images, and shifts biases so that means stay: what estimating batch-norm statistics anew does, folded into weights and
 * biases. The error of no channel is above that of the given weights with corrected biases.
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
        // of the error as a function of the scale, less what is there without
        const gain = 2 * (scale - 1) * covariance[r] - (scale ** 2 - 1) * variance[r];
        if (!(gain > 0)) continue;
        for (let i = r * n; i < (r + 1) * n; i++) part[i] *= scale;
      }
      errors.set(errorsOf(kernels, quadratic, part), g * rows);
    });
    return { weights, biasShift: biasShiftOf(layer, weights, statistics, dense), error: relative(errors, quadratics) };
  });
}
