// Random TFLite files in uint8 as training with quantisation leaves them: fused NONE, ranges that are narrower than what
// operators make. What they become here against tfjs-tflite's integers, and both against the float network, clamped to
// each tensor's range by this test.
import { describe, expect, it } from 'vitest';
import { exportTflite } from '../../bench/tflite/export.ts';
import { quantiseTflite, type QuantisedModel } from '../../bench/tflite/quantise.ts';
import { compileModel } from '../../src/compile.ts';
import { FiligreeError } from '../../src/errors.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { permuteData } from '../../src/graph/permute.ts';
import { importTflite } from '../../src/import/tflite/index.ts';
import { loadModel } from '../../src/runtime/load.ts';
import { elementCount, Tensor } from '../../src/tensor.ts';
import { GraphBuilder } from '../graphs.ts';
import { randomFloats } from '../kernels/wasm.ts';
import type { PeerOutput } from '../peers/index.ts';
import { runTfliteModels } from '../peers/tflite.ts';
import { Dice } from './dice.ts';
import { duration, startSeed } from './duration.ts';
import { feedsOf, type Feeds } from './network.ts';
import { drawStep } from './operators.ts';
import { evaluateAll, isTame, type Values } from './oracle.ts';

interface Case {
  seed: number;
  quantised: QuantisedModel;
  /** The float model with rounded weights, without activations or clamps. */
  float: Graph;
  integers: Feeds;
  reals: Feeds;
}

const nhwc = [0, 2, 3, 1];

function setOutput(graph: Graph, value: string): void {
  const permutation = graph.values.get(value)!.shape.length === 4 ? nhwc : undefined;
  graph.outputs = [{ value, name: 'output', dtype: 'float32', permutation }];
}

const extremes = (data: ArrayLike<number>) => {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < data.length; i++) [low, high] = [Math.min(low, data[i]), Math.max(high, data[i])];
  return { low, high };
};

/** The file of a network in uint8, ranges cut by dice; undefined where it has operators that are not written so. */
function quantised(graph: Graph, seed: number, dice: Dice): Case | undefined {
  // TFLite has matrices of one row in place of vectors.
  if (graph.nodes.some(({ op, inputs }) => op === 'linear' && graph.values.get(inputs[0])!.shape.length === 1)) {
    return undefined;
  }
  let model;
  try {
    model = exportTflite(graph);
  } catch (error) {
    if (error instanceof FiligreeError && error.code === 'unsupported') return undefined;
    if (/TFLite has no operator/.test((error as Error).message)) return undefined;
    throw error;
  }
  if (model.outputs.some((tensor) => model.inputs.includes(tensor))) return undefined;
  const whole = importTflite(model.bytes(), 'float');
  const feeds = feedsOf(graph, seed);
  const values = evaluateAll(whole, feeds);
  if (!isTame(values)) return undefined;
  const ends = graph.inputs.map(({ name }) => [name, { low: -3, high: 3 }] as const);
  const limits = new Map<string, { low: number; high: number }>(ends);
  const result = quantiseTflite(model, (name) => {
    const known = limits.get(name);
    if (known) return known;
    const { low, high } = extremes(values.get(name)?.data ?? [0, 1]);
    const share = () => dice.one([0.25, 0.5, 0.8, 1]);
    const cut = { low: low * share(), high: high * share() };
    limits.set(name, cut);
    return cut;
  });
  if (!result) return undefined;
  const integers: Feeds = {};
  const reals: Feeds = {};
  for (const [name, { shape, data }] of Object.entries(feeds)) {
    const { scale, zeroPoint } = result.tensors.get(name)!;
    const stored = Uint8Array.from(data as Float32Array, (v) =>
      Math.min(Math.max(Math.round(v / scale) + zeroPoint, 0), 255),
    );
    integers[name] = new Tensor('uint8', shape, stored);
    reals[name] = new Tensor(
      'float32',
      shape,
      Float32Array.from(stored, (q) => scale * (q - zeroPoint)),
    );
  }
  return { seed, quantised: result, float: importTflite(result.float.bytes(), 'clamped'), integers, reals };
}

/** A network of a few operators that TFLite has in uint8. */
function draw(seed: number): Case | undefined {
  const dice = new Dice(seed);
  const b = new GraphBuilder(dice.from(1, 1e6));
  const { graph } = b;
  const input = dice.one([
    [1, 4, 9, 7],
    [1, 3, 12, 12],
    [1, 8, 5, 6],
    [1, 6, 1, 1],
    [3, 10],
  ]);
  const values = [b.input(input, { permutation: input.length === 4 ? nhwc : undefined })];
  let fitting: Case | undefined;
  for (let i = 0, steps = dice.from(1, 4); i < 30 && steps > 0; i++) {
    const x = values[Math.max(values.length - 1 - dice.one([0, 0, 0, 1]), 0)];
    const before = { nodes: graph.nodes.length, names: new Set(graph.values.keys()) };
    const made = drawStep(b.shape(x), new Dice(dice.below(2 ** 31)))(b, x, dice, values);
    setOutput(graph, made.at(-1) ?? x);
    const fits = made.every((value) => elementCount(b.shape(value)) < 4000 && b.shape(value).length <= 4);
    const next = made.length > 0 && fits ? quantised(graph, seed, new Dice(seed)) : undefined;
    if (next) {
      fitting = next;
      values.push(...made);
      steps--;
    } else {
      graph.nodes.length = before.nodes;
      for (const name of graph.values.keys()) if (!before.names.has(name)) graph.values.delete(name);
    }
  }
  return fitting;
}

/** The float network, every tensor within its range. With `random`, each is moved by up to a step as well. */
function clamped({ float, quantised, reals }: Case, random?: (count: number) => Float32Array): Values {
  return evaluateAll(float, reals, (node, values) => {
    for (const name of node.outputs) {
      const tensor = quantised.tensors.get(name);
      if (!tensor) continue;
      const { shape, data } = values.get(name)!;
      const noise = random?.(data.length);
      const inside = data.map((v, i) =>
        Math.min(Math.max(v + (noise ? tensor.scale * noise[i] : 0), tensor.low), tensor.high),
      );
      values.set(name, { shape, data: inside });
    }
  });
}

/** What is off by more than rounding to integers on the way makes, or undefined. */
function difference(one: Case, found: ArrayLike<number>, who: string): string | undefined {
  const [{ value }] = one.float.outputs;
  const wanted = clamped(one).get(value)!;
  let moves = 0;
  for (let trial = 1; trial <= 4; trial++) {
    const { data } = clamped(one, randomFloats(trial)).get(value)!;
    for (let i = 0; i < data.length; i++) moves = Math.max(moves, Math.abs(data[i] - wanted.data[i]));
  }
  const { scale } = one.quantised.tensors.get(value)!;
  const allowed = 2 * moves + scale;
  const expected = wanted.shape.length === 4 ? permuteData(wanted.data, wanted.shape, nhwc) : wanted.data;
  if (found.length !== expected.length) return `${who} makes ${found.length} numbers, not ${expected.length}`;
  for (let i = 0; i < expected.length; i++) {
    if (!(Math.abs(found[i] - expected[i]) <= allowed)) {
      const nodes = one.quantised.model.operators.map(({ op }) => op).join(', ');
      return `seed ${one.seed}: ${who} at ${i}: ${found[i]}, not ${expected[i]} ± ${allowed} (step ${scale}); ${nodes}`;
    }
  }
  return undefined;
}

/**
 * tfjs-tflite joins the bytes of tensors whose scales differ as they are; TFLite's own kernel rescales them, and so does
 * tfjs-tflite where there is one.
 */
function joinsScales({ quantised: { model } }: Case): boolean {
  const scaleOf = (tensor: number) => JSON.stringify(model.tensors[tensor].quantization);
  return model.operators.some(
    ({ op, inputs, outputs }) =>
      op === 'CONCATENATION' && inputs.length > 1 && inputs.some((tensor) => scaleOf(tensor) !== scaleOf(outputs[0])),
  );
}

async function wrong(one: Case, peer: PeerOutput[] | Error): Promise<string | undefined> {
  const model = await loadModel(compileModel(one.quantised.model.bytes()));
  const { output } = await model.run(one.integers);
  model.dispose();
  const own = difference(one, output.data as Float32Array, 'Filigree');
  if (own !== undefined || peer instanceof Error || joinsScales(one)) return own;
  const { scale, zeroPoint } = one.quantised.tensors.get('output')!;
  return difference(
    one,
    peer[0].data.map((q) => scale * (q - zeroPoint)),
    'tfjs-tflite',
  );
}

describe('random TFLite files in uint8', () => {
  const { minutes } = duration;

  it('saturate as an integer runtime does', { timeout: 60_000 * (minutes + 5) }, async () => {
    const end = Date.now() + 60_000 * minutes;
    let seed = startSeed;
    let compared = 0;
    const counts = new Map<string, number>();
    do {
      const cases = Array.from({ length: 90 }, () => draw(seed++)).filter((one) => one !== undefined);
      const peers = await runTfliteModels(
        cases.map(({ quantised, integers }) => ({
          model: quantised.model.bytes(),
          inputs: Object.fromEntries(
            Object.entries(integers).map(([name, { data }]) => [name, Float32Array.from(data as Uint8Array)]),
          ),
        })),
      );
      for (const [i, one] of cases.entries()) {
        const message = await wrong(one, peers[i]);
        if (message !== undefined) throw new Error(message);
        if (!(peers[i] instanceof Error) && !joinsScales(one)) compared++;
        for (const { op } of one.quantised.model.operators) counts.set(op, (counts.get(op) ?? 0) + 1);
      }
    } while (Date.now() < end);
    if (minutes > 0) console.log(`uint8: ${compared} files, seeds ${startSeed}…${seed - 1}`, counts);
    expect(compared).toBeGreaterThan(0.5 * (seed - startSeed));
    for (const op of ['CONV_2D', 'DEPTHWISE_CONV_2D', 'FULLY_CONNECTED', 'ADD', 'MUL', 'LOGISTIC'])
      expect(counts.get(op), op).toBeGreaterThan(0);
  });
});
