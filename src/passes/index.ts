// Passes rewrite a graph to a smaller one with the same results.
import type { Graph } from '../graph/graph.ts';
import { verify } from '../graph/verify.ts';
import { dropIdentities } from './drop-identities.ts';
import { foldConstants } from './fold-constants.ts';
import { foldScales } from './fold-scales.ts';
import { fuseActivations } from './fuse-activations.ts';
import { fuseResiduals } from './fuse-residuals.ts';
import { lowerConvTranspose } from './lower-conv-transpose.ts';
import type { Pass } from './match.ts';
import { mergeDuplicates } from './merge-duplicates.ts';
import { mergePads } from './merge-pads.ts';
import { mergeReshapes } from './merge-reshapes.ts';
import { mergeTransposes } from './merge-transposes.ts';
import type { OptimiseOptions } from './options.ts';
import { poolToReduce } from './pool-to-reduce.ts';
import { recogniseActivations } from './recognise-activations.ts';
import { removeDead } from './remove-dead.ts';
import { sinkTransposes } from './sink-transposes.ts';

/** Every pass by name, in the order of one round. */
export const passes = {
  removeDead,
  foldConstants,
  dropIdentities,
  mergeDuplicates,
  mergeTransposes,
  mergeReshapes,
  sinkTransposes,
  mergePads,
  poolToReduce,
  // Finds spelled-out activations before their arithmetic is folded into weights; they are fused after.
  recogniseActivations,
  foldScales,
  fuseActivations,
} satisfies Record<string, Pass>;

/** Passes that join nodes whose results an integer program rounds. */
const roundedApart = new Set<Pass>([recogniseActivations, fuseResiduals]);

/** More rounds than any graph needs. Reaching it means that two passes undo each other. */
const maxRounds = 1000;

/**
 * Runs all passes until none changes anything, rewrites transposed convolutions and runs the passes again. Last, additions
 * become part of convolutions.
 * The graph is changed in place; its inputs and outputs stay, with their names, shapes and (up to rounding) results.
 * @throws FiligreeError `invalid-model` when the result does not verify.
 */
export function optimise(graph: Graph, { check = false, integers = false, onPass }: OptimiseOptions = {}): void {
  const run = (name: string, pass: Pass): boolean => {
    if (integers && roundedApart.has(pass)) return false;
    if (!pass(graph)) return false;
    if (check) verifyAfter(name, graph);
    onPass?.(name, graph);
    return true;
  };
  const runAll = () => {
    for (let round = 0; ; round++) {
      const changed = Object.entries(passes).map(([name, pass]) => run(name, pass) && name);
      if (!changed.some(Boolean)) return;
      if (round === maxRounds) throw new Error(`passes do not settle: ${changed.filter(Boolean).join(', ')}`);
    }
  };
  runAll();
  // Only now, because nothing can be folded into its weights afterwards.
  if (run('lowerConvTranspose', lowerConvTranspose)) runAll();
  run('fuseResiduals', fuseResiduals);
  verify(graph);
}

function verifyAfter(name: string, graph: Graph): void {
  try {
    verify(graph);
  } catch (error) {
    throw new Error(`after pass ${name}: ${(error as Error).message}`, { cause: error });
  }
}
