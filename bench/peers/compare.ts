// Decides whose outputs are right.
import { evaluate } from '../../src/graph/evaluate.ts';
import { Tensor } from '../../src/tensor.ts';
import type { PeerOutput } from '../../test/peers/index.ts';
import type { Prepared } from './prepare.ts';
import type { Agreement } from './results.ts';
import type { NetworkState } from './states.ts';

/** A runtime with a larger error is wrong: ten times the error of float32 sums in another order in the deepest network here. */
const tolerance = 1e-3;

/** ‖actual − expected‖ / ‖expected‖; Infinity if there is a NaN. */
function relativeDistance(actual: Float32Array, expected: Float32Array): number {
  let [difference, magnitude] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    difference += (actual[i] - expected[i]) ** 2;
    magnitude += expected[i] ** 2;
  }
  const distance = Math.sqrt(difference / magnitude);
  return Number.isNaN(distance) ? Infinity : distance;
}

/** The largest error of all outputs. Each is compared with the nearest one of its size, because their order may differ. */
export function outputError(actual: readonly Float32Array[], expected: readonly Float32Array[]): number {
  const errors = expected.map((wanted) => {
    const sameSize = actual.filter(({ length }) => length === wanted.length);
    return Math.min(...sameSize.map((found) => relativeDistance(found, wanted)));
  });
  return Math.max(...errors);
}

/** Compares every runtime with Filigree and, if one differs, all of them with the reference evaluator. */
export function judge(
  state: NetworkState,
  { input }: Prepared,
  outputs: ReadonlyMap<string, readonly PeerOutput[]>,
): Map<string, Agreement> {
  const dataOf = (list: readonly PeerOutput[]) => list.map(({ data }) => data);
  const own = dataOf(outputs.get('filigree')!);
  const errors = [...outputs].map(([runtime, list]) => [runtime, outputError(dataOf(list), own)] as const);
  if (errors.every(([, error]) => error <= tolerance)) {
    return new Map(errors.map(([runtime, error]) => [runtime, { error, isWrong: false }]));
  }
  const graph = state.graph();
  const tensor = new Tensor('float32', input.shape, input.data);
  const truth = Object.values(evaluate(graph, { [input.name]: tensor })).map(({ data }) => data as Float32Array);
  return new Map(
    errors.map(([runtime, error]) => {
      const errorFromReference = outputError(dataOf(outputs.get(runtime)!), truth);
      return [runtime, { error, errorFromReference, isWrong: errorFromReference > tolerance }];
    }),
  );
}
