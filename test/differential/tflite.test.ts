// Random TFLite files, written by bench/tflite: what they become here, passes, kernels and all, against tfjs-tflite and against
// the network that was written. Sparse encodings go to the latter alone: XNNPACK computes some of them wrongly.
import { describe, expect, it } from 'vitest';
import { exportTflite } from '../../bench/tflite/export.ts';
import { compileModel } from '../../src/compile.ts';
import { FiligreeError } from '../../src/errors.ts';
import { evaluate } from '../../src/graph/evaluate.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { loadModel } from '../../src/runtime/load.ts';
import { permuteData, permuteShape } from '../../src/graph/permute.ts';
import { elementCount, Tensor } from '../../src/tensor.ts';
import { graphAsCode } from '../graph-code.ts';
import { cloneGraph, GraphBuilder } from '../graphs.ts';
import { relativeError } from '../kernels/wasm.ts';
import { patience } from '../patience.ts';
import type { PeerOutput } from '../peers/index.ts';
import { runTfliteModels } from '../peers/tflite.ts';
import { Dice } from './dice.ts';
import { duration, startSeed } from './duration.ts';
import { minimise } from './minimise.ts';
import { feedsOf, type Feeds } from './network.ts';
import { drawStep } from './operators.ts';
import { evaluateAll, isTame, unrest } from './oracle.ts';

interface Case {
  graph: Graph;
  feeds: Feeds;
  sparse: boolean;
  bytes: Uint8Array;
}

/** What TFLite has otherwise: vectors become matrices of one row. */
const isOther = (graph: Graph) =>
  graph.nodes.some(({ op, inputs }) => op === 'linear' && graph.values.get(inputs[0])!.shape.length === 1);

/** The file of a graph; undefined where TFLite has no operators for it. Ports of rank 4 are NHWC in files. */
function fileOf(graph: Graph, sparse: boolean): Uint8Array | undefined {
  if (isOther(graph)) return undefined;
  try {
    const model = exportTflite(graph, { sparse });
    // an output that is an input would have both names
    return model.outputs.some((tensor) => model.inputs.includes(tensor)) ? undefined : model.bytes();
  } catch (error) {
    if (error instanceof FiligreeError && error.code === 'unsupported') return undefined;
    if (/TFLite has no operator/.test((error as Error).message)) return undefined;
    throw error;
  }
}

function setOutputs(graph: Graph, values: readonly string[]): void {
  graph.outputs = values.map((value, i) => {
    const permutation = graph.values.get(value)!.shape.length === 4 ? [0, 2, 3, 1] : undefined;
    return { value, name: `output${i}`, dtype: 'float32', permutation };
  });
}

/** A network of what TFLite has: steps that have no operators there are taken back. */
function draw(seed: number): Case | undefined {
  const dice = new Dice(seed);
  const b = new GraphBuilder(dice.from(1, 1e6));
  const { graph } = b;
  const input = dice.one([
    [1, 4, 9, 7],
    [1, 3, 12, 12],
    [2, 8, 5, 6],
    [1, 6, 1, 1],
    [3, 10],
    [1, 12, 5],
  ]);
  let values = [b.input(input, { permutation: input.length === 4 ? [0, 2, 3, 1] : undefined })];
  const sparse = dice.oneIn(3);
  for (let i = 0; i < 6; i++) {
    const x = values[Math.max(values.length - 1 - dice.one([0, 0, 1, 2]), 0)];
    const before = { nodes: graph.nodes.length, names: new Set(graph.values.keys()) };
    const made = drawStep(b.shape(x), new Dice(dice.below(2 ** 31)))(b, x, dice, values);
    setOutputs(graph, [made.at(-1) ?? x]);
    const fits = made.every((value) => elementCount(b.shape(value)) < 8000 && b.shape(value).length <= 4);
    if (made.length > 0 && fits && fileOf(graph, sparse)) values = [...values, ...made];
    else {
      graph.nodes.length = before.nodes;
      for (const name of graph.values.keys()) if (!before.names.has(name)) graph.values.delete(name);
    }
  }
  if (graph.nodes.length === 0) return undefined;
  setOutputs(graph, [values.at(-1)!]);
  const bytes = fileOf(graph, sparse);
  return bytes && { graph, feeds: feedsOf(graph, seed), sparse, bytes };
}

/** Files that tfjs-tflite does not run: it does not say why. */
let refused = 0;

type Results = Record<string, Pick<Tensor, 'shape' | 'data'> | PeerOutput>;

function difference(
  found: Results,
  wanted: Results,
  { graph, feeds }: Pick<Case, 'graph' | 'feeds'>,
): string | undefined {
  for (const [name, { shape, data }] of Object.entries(wanted)) {
    const own = found[name];
    if (!own) return `there is no ${name} among ${Object.keys(found)}`;
    // a scalar is a list of one number there
    if (String(own.shape) !== String(shape) && elementCount(shape) !== 1)
      return `${name} is [${own.shape}], not [${shape}]`;
    const [a, e] = [own.data as Float32Array, data as Float32Array];
    if (relativeError(a, e) < 1e-4) continue;
    const { value } = graph.outputs.find((port) => port.name === name)!;
    const allowed = 4 * unrest(graph, feeds, evaluateAll(graph, feeds)).get(value)! + 2e-38;
    const off = a.findIndex((v, i) => !(Math.abs(v - e[i]) <= allowed));
    if (off >= 0) return `${name} [${shape}], element ${off}: ${a[off]}, not ${e[off]} ± ${allowed}`;
  }
  return undefined;
}

/** Ours against the network that was written. */
async function wrongAlone({ graph, feeds, bytes }: Case): Promise<string | undefined> {
  if (!isTame(evaluateAll(graph, feeds))) return undefined;
  const model = await loadModel(compileModel(bytes));
  const results = await model.run(feeds);
  model.dispose();
  return difference(results, evaluate(graph, feeds), { graph, feeds });
}

async function wrongWith(one: Case, peer: PeerOutput[] | Error): Promise<string | undefined> {
  const { graph, feeds } = one;
  const alone = await wrongAlone(one);
  if (alone !== undefined) return alone;
  if (!isTame(evaluateAll(graph, feeds))) return undefined;
  if (peer instanceof Error) {
    refused++;
    return undefined;
  }
  // it names outputs as the file does
  const theirs = Object.fromEntries(peer.map((output) => [output.name!, output]));
  return difference(theirs, evaluate(graph, feeds), { graph, feeds });
}

/** Ports of rank 4 in the order that files have them. */
function withPixels({ graph: given, feeds: own }: Pick<Case, 'graph' | 'feeds'>): Pick<Case, 'graph' | 'feeds'> {
  const graph = cloneGraph(given);
  const feeds = { ...own };
  for (const port of graph.inputs) {
    const { shape } = graph.values.get(port.value)!;
    if (shape.length !== 4 || port.permutation) continue;
    port.permutation = [0, 2, 3, 1];
    const data = permuteData(feeds[port.name].data as Float32Array, shape, port.permutation);
    feeds[port.name] = new Tensor('float32', permuteShape(shape, port.permutation), data);
  }
  setOutputs(
    graph,
    graph.outputs.map(({ value }) => value),
  );
  return { graph, feeds };
}

async function report(one: Case): Promise<string> {
  const again = async (smaller: Pick<Case, 'graph' | 'feeds'>) => {
    const { graph, feeds } = withPixels(smaller);
    const bytes = fileOf(cloneGraph(graph), one.sparse);
    if (!bytes) return undefined;
    const candidate = { graph, feeds, sparse: one.sparse, bytes };
    const inputs = Object.fromEntries(Object.entries(feeds).map(([name, { data }]) => [name, data as Float32Array]));
    const [peer] = one.sparse ? [[]] : await runTfliteModels([{ model: bytes, inputs }]);
    return (one.sparse ? wrongAlone(candidate) : wrongWith(candidate, peer)).catch((error: Error) => error.message);
  };
  const failing = { graph: one.graph, feeds: one.feeds, setting: {} };
  const smallest = await minimise(failing, {}, async (candidate) => (await again(candidate)) !== undefined, 60);
  return `${await again(smallest)}\n${graphAsCode(smallest.graph, smallest.feeds)}\nsparse: ${one.sparse}`;
}

describe('random TFLite files', () => {
  const { minutes } = duration;

  it('agree with tfjs-tflite and the evaluator', { timeout: patience + 120_000 * minutes }, async () => {
    const end = Date.now() + 60_000 * minutes;
    let seed = startSeed;
    let compared = 0;
    do {
      const cases = Array.from({ length: 90 }, () => draw(seed++)).filter((one) => one !== undefined);
      const dense = cases.filter(({ sparse }) => !sparse);
      const peers = await runTfliteModels(
        dense.map(({ bytes, feeds }) => ({
          model: bytes,
          inputs: Object.fromEntries(Object.entries(feeds).map(([name, { data }]) => [name, data as Float32Array])),
        })),
      );
      for (const one of cases) {
        const wrong = await (one.sparse ? wrongAlone(one) : wrongWith(one, peers[dense.indexOf(one)])).catch(
          (error: Error) => error.message,
        );
        if (wrong !== undefined) throw new Error(`${wrong}\n\n${await report(one)}`);
        compared++;
      }
    } while (Date.now() < end);
    compared -= refused;
    if (minutes > 0) console.log(`tflite: ${compared} files, ${refused} refused, seeds ${startSeed}…${seed - 1}`);
    expect(compared).toBeGreaterThan(0.7 * (seed - startSeed));
  });
});
