// NaN and infinities through random networks: they reach what IEEE 754 lets them reach, and nothing else.
import { writeArtifact } from '../../src/artifact/write.ts';
import { defaultCostModel } from '../../src/lower/cost.ts';
import { lowerGraph } from '../../src/compile/lower-graph.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { permuteData } from '../../src/graph/permute.ts';
import { optimise } from '../../src/passes/index.ts';
import type { Activation } from '../../src/program/activations.ts';
import { Tensor } from '../../src/tensor.ts';
import { cloneGraph } from '../graphs.ts';
import { builds } from '../kernels/wasm.ts';
import { loadInShares } from '../shares.ts';
import { Dice } from './dice.ts';
import type { Feeds } from './network.ts';
import { evaluateAll, type Values } from './oracle.ts';

/**
 * Layers whose rules differ from the evaluator's (docs/numerics.md): blends next to infinities; transposed convolutions, whose
 * phases have zeros that dense kernels multiply; softplus, which is never 0.
 */
function isOther({ op, attributes }: Graph['nodes'][number]): boolean {
  const { mode, fn, activation } = attributes as { mode?: string; fn?: string; activation?: Activation };
  if (op === 'convTranspose2d' || (op === 'resize' && mode === 'linear')) return true;
  return fn === 'softplus' || activation?.fn === 'softplus';
}

/** The feeds with some NaN and infinities in them; integers stay. */
export function withEdges(feeds: Feeds, seed: number): Feeds {
  const dice = new Dice(seed);
  return Object.fromEntries(
    Object.entries(feeds).map(([name, tensor]) => {
      if (tensor.dtype !== 'float32') return [name, tensor];
      const data = (tensor.data as Float32Array).slice();
      const edges = dice.one([[NaN], [Infinity], [-Infinity], [NaN, Infinity, -Infinity]]);
      for (let i = dice.from(1, 3); i > 0; i--) data[dice.below(data.length)] = dice.one(edges);
      return [name, new Tensor('float32', tensor.shape, data)];
    }),
  );
}

/** Whether float32 cannot turn a number of these into an infinity, or the other way round. */
function isTame(values: Values): boolean {
  for (const { data } of values.values())
    for (const v of data) if (Number.isFinite(v) && Math.abs(v) > 1e6) return false;
  return true;
}

/**
 * Runs a network with dense weights, so that no zero is skipped, on inputs with NaN and infinities.
 * @returns what is wrong; undefined also where networks are left out.
 */
export async function tryEdges(graph: Graph, feeds: Feeds, passes: boolean): Promise<string | undefined> {
  if (graph.nodes.some(isOther)) return undefined;
  const values = evaluateAll(graph, feeds);
  if (!isTame(values)) return undefined;
  const own = cloneGraph(graph);
  if (passes) optimise(own);
  const bytes = writeArtifact(lowerGraph(own, defaultCostModel, { dense: true, winograd: false }));
  for (const build of builds) {
    const { model } = await loadInShares(bytes, build, 1, () => 0, { poison: true });
    const results = await model.run(feeds);
    for (const { name, value, permutation } of graph.outputs) {
      const { shape, data } = values.get(value)!;
      const wanted = permutation ? permuteData(data, shape, permutation) : data;
      const largest = wanted.reduce((most, v) => (Number.isFinite(v) ? Math.max(most, Math.abs(v)) : most), 1e-3);
      const off = wanted.findIndex((v, i) => {
        const found = Number(results[name].data[i]);
        // sums that cancel out are another test's
        return Number.isFinite(v) ? !(Math.abs(found - v) <= 0.01 * largest) : !Object.is(found, v);
      });
      if (off >= 0) return `${build}: ${name}, element ${off}: ${String(results[name].data[off])}, not ${wanted[off]}`;
    }
  }
  return undefined;
}
