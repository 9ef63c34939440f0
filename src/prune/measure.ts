// Measures networks by running them: time of each layer, and differences of outputs.
import { writeArtifact } from '../artifact/write.ts';
import { defaultCostModel } from '../lower/cost.ts';
import type { CostModel } from '../lower/cost-model.ts';
import { lowerGraph } from '../compile/lower-graph.ts';
import type { Graph } from '../graph/graph.ts';
import { loadModel } from '../runtime/load.ts';
import type { Model } from '../runtime/model.ts';
import { elementCount, Tensor } from '../tensor.ts';
import type { Sample } from './options.ts';
import { RandomNumbers } from './random-numbers.ts';
import type { BeforeAndAfter } from './report.ts';

/** Rounds of timing. Both networks take turns, so that other load on the machine affects both. */
const rounds = 5;
const runs = 8;

/** Milliseconds of each node by its name, and of all together: the minimum of a few rounds. The graphs must be optimised. */
export async function measureNodes(
  before: Graph,
  after: Graph,
  costModel: CostModel = defaultCostModel,
): Promise<{ total: BeforeAndAfter; nodes: Map<string, Partial<BeforeAndAfter>> }> {
  const graphs = { before, after };
  const nodes = new Map<string, Partial<BeforeAndAfter>>();
  const total: BeforeAndAfter = { before: Infinity, after: Infinity };
  const models = { before: await opened(before, costModel), after: await opened(after, costModel) };
  try {
    for (let round = 0; round < rounds; round++) {
      for (const side of ['before', 'after'] as const) {
        const layers = await models[side].profile(randomInputs(models[side]), { runs });
        graphs[side].nodes.forEach(({ name }, i) => {
          const known = nodes.get(name) ?? {};
          nodes.set(name, { ...known, [side]: Math.min(known[side] ?? Infinity, layers[i].ms) });
        });
        total[side] = Math.min(
          total[side],
          layers.reduce((sum, { ms }) => sum + ms, 0),
        );
      }
    }
  } finally {
    models.before.dispose();
    models.after.dispose();
  }
  return { total, nodes };
}

/** ‖y − ŷ‖² / ‖y‖² over all outputs and samples. */
export async function outputError(dense: Graph, pruned: Graph, samples: readonly Sample[]): Promise<number> {
  const models = [await opened(dense), await opened(pruned)];
  let [difference, energy] = [0, 0];
  try {
    for (const sample of samples) {
      const wanted = await models[0].run({ ...sample });
      const found = await models[1].run({ ...sample });
      for (const [name, { data }] of Object.entries(wanted)) {
        const other = found[name].data as Float32Array;
        (data as Float32Array).forEach((y, i) => {
          difference += (y - other[i]) ** 2;
          energy += y * y;
        });
      }
    }
  } finally {
    for (const model of models) model.dispose();
  }
  return energy > 0 ? difference / energy : difference > 0 ? Infinity : 0;
}

function opened(graph: Graph, costModel: CostModel = defaultCostModel): Promise<Model> {
  return loadModel(writeArtifact(lowerGraph(graph, costModel)));
}

/** Inputs uniform in [−1, 1), the same each time. */
function randomInputs({ inputs }: Model): Record<string, Tensor> {
  const random = new RandomNumbers(1);
  const numbers = (count: number) => Float32Array.from({ length: count }, () => 2 * random.uniform() - 1);
  return Object.fromEntries(
    inputs.map(({ name, shape }) => [name, new Tensor('float32', shape, numbers(elementCount(shape)))]),
  );
}
