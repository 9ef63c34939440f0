// One network through everything: passes, choice of encodings, memory plan, artifact, loading into poisoned memory, kernels of
// both builds, one thread and several; against the evaluator.
import process from 'node:process';
import v8 from 'node:v8';
import { writeArtifact } from '../../src/artifact/write.ts';
import { defaultCostModel } from '../../src/lower/cost.ts';
import { compileGraph } from '../../src/compile.ts';
import type { Range } from '../../src/lower/ranges.ts';
import { gridsOf } from '../../src/compile/bytes/grids.ts';
import { hasByteKernel } from '../../src/compile/bytes/layers.ts';
import { storeInBytes } from '../../src/compile/bytes/store.ts';
import { lowerGraph } from '../../src/compile/lower-graph.ts';
import type { LinearWeights } from '../../src/lower/lowering.ts';
import type { Graph, Node } from '../../src/graph/graph.ts';
import { permuteData, permuteShape } from '../../src/graph/permute.ts';
import { verify } from '../../src/graph/verify.ts';
import { optimise } from '../../src/passes/index.ts';
import { isOp } from '../../src/ops/nodes.ts';
import { Edges, isByteNode } from '../../src/passes/match.ts';
import { separateLayers } from '../../src/passes/separate-layers.ts';
import { lowerConvTranspose } from '../../src/passes/lower-conv-transpose.ts';
import { checkProgram } from '../../src/program/check.ts';
import type { Program } from '../../src/program/program.ts';
import type { ByteGrid } from '../../src/quantisation.ts';
import type { Tensor } from '../../src/tensor.ts';
import { loadModel } from '../../src/runtime/load.ts';
import { cloneGraph } from '../graphs.ts';
import { builds, type Build } from '../kernels/wasm.ts';
import { bitsOf, loadInShares } from '../shares.ts';
import { Dice } from './dice.ts';
import { byteResult } from './bytes.ts';
import { roundedLinear } from './integers.ts';
import { feedsOf, type Feeds, type Recipe } from './network.ts';
import { withWideTiles } from '../../src/runtime/adapt.ts';
import type { WinogradTile } from '../../src/program/tiles.ts';
import { evaluateAll, isTame, magnitude, unrest, type Values } from './oracle.ts';

v8.setFlagsFromString('--experimental-wasm-relaxed-simd');
// older V8 compiles i32x4.relaxed_dot_i8x16_i7x16_add_s wrongly at first; loadModel takes the other build there
if (Number.parseInt(process.versions.v8) < 12) v8.setFlagsFromString('--no-liftoff');

/** How a network is compiled and run. */
export interface Setting {
  /** Whether passes run first. */
  passes: boolean;
  /** Draws one of the ways that every layer has to do its product; 0 leaves it to the cost model. */
  choices: number;
  /** Zeros are multiplied. */
  dense: boolean;
  /** Whether convolutions may be done in eight bits. */
  eightBits: boolean;
  linearWeights?: LinearWeights;
  /** Outputs of Winograd's tiles. */
  winograd: WinogradTile | false;
  /** Kernels are those for engines that keep twelve sums in registers. */
  wideTiles: boolean;
  threads: number;
  /** Workers run the shares, not this thread by turns. */
  workers: boolean;
}

export const plainSetting: Setting = {
  passes: false,
  choices: 0,
  dense: false,
  eightBits: false,
  winograd: false,
  wideTiles: false,
  threads: 1,
  workers: false,
};

/** A setting for a network: everything is drawn. */
export function drawSetting(dice: Dice): Setting {
  return {
    passes: !dice.oneIn(4),
    choices: dice.oneIn(6) ? 0 : dice.from(1, 1e6),
    dense: dice.oneIn(12),
    eightBits: dice.oneIn(4),
    linearWeights: dice.one([undefined, 'int8', 'int4']),
    threads: dice.from(1, 4),
    workers: dice.oneIn(25),
    winograd: dice.one([4, 2, 4, 2, false]),
    wideTiles: dice.oneIn(2),
  };
}

/** The setting that a random network is tried with. */
export const settingOf = ({ input, seeds }: Recipe): Setting =>
  drawSetting(new Dice(seeds.reduce((a, b) => a + b, input[0])));

/** What trials have reached. */
export class Coverage {
  readonly operators = new Map<string, number>();
  readonly kernels = new Map<string, number>();
  readonly ways = new Map<string, number>();
  readonly forms = new Map<string, number>();
  networks = 0;
  nodes = 0;
  /** Networks whose numbers grew beyond what float32 can be held to. */
  skipped = 0;
  /** Results that needed more room than 1e-4 of their largest number, for numbers that cancel out. */
  cancelled = 0;

  count(kind: 'operators' | 'kernels' | 'ways' | 'forms', name: string): void {
    this[kind].set(name, (this[kind].get(name) ?? 0) + 1);
  }
}

/** Results are off by so much of the output's largest magnitude at most, as everywhere. */
const tolerance = 1e-4;

/** Numbers that are too small for a normal float32 may be any such number. */
const tiny = 2e-38;

/** Beyond it no result is accepted, however much numbers cancel out. */
const maxUnrest = 0.05;

interface Compiled {
  program: Program;
  /** As lowered: a layer for each node. */
  graph: Graph;
}

/**
 * Tries a network.
 * @returns what is wrong, or undefined.
 */
export async function tryNetwork(
  graph: Graph,
  feeds: Feeds,
  setting: Setting,
  coverage?: Coverage,
): Promise<string | undefined> {
  const values = evaluateAll(graph, feeds);
  if (!isTame(values)) {
    if (coverage) coverage.skipped++;
    return undefined;
  }
  let compiled: Compiled;
  let bytes: Uint8Array;
  try {
    compiled = compile(graph, feeds, setting, coverage);
    checkProgram(compiled.program);
    bytes = writeArtifact(compiled.program);
  } catch (error) {
    return `does not compile: ${(error as Error).stack}`;
  }
  if (coverage) record(compiled, setting, coverage);
  for (const build of builds) {
    const wrong = await runBuild(compiled, bytes, build, graph, feeds, setting, values, coverage);
    if (wrong !== undefined) return `${build}: ${wrong}`;
  }
  return undefined;
}

/**
 * A network compiled to be run elsewhere: its file, and what checks the results of a run against the evaluator.
 * @returns undefined for a network whose numbers grow beyond what float32 can be held to
 */
export function prepareTrial(graph: Graph, feeds: Feeds, setting: Setting) {
  const values = evaluateAll(graph, feeds);
  if (!isTame(values)) return undefined;
  const compiled = compile(graph, feeds, setting);
  return {
    bytes: writeArtifact(compiled.program),
    kernels: compiled.program.steps.map(({ kernel }) => kernel),
    /** What is wrong, or undefined. */
    check: (results: Results) => check(compiled, graph, feeds, results, values),
  };
}

function record({ program, graph }: Compiled, { wideTiles }: Setting, coverage: Coverage): void {
  coverage.networks++;
  coverage.nodes += graph.nodes.length;
  for (const { kernel } of (wideTiles ? withWideTiles(program) : program).steps) coverage.count('kernels', kernel);
  for (const buffer of program.buffers) {
    if (buffer.kind === 'constant') coverage.count('forms', formOf(buffer.constant));
  }
}

function formOf(constant: Extract<Program['buffers'][number], { kind: 'constant' }>['constant']): string {
  const { form } = constant;
  if (form === 'gemm') return constant.winograd ? `winograd ${constant.winograd}` : `gemm ${constant.panel}`;
  if (form === 'quantised') return `quantised ${constant.bits}`;
  return form === 'spmm' || form === 'blocks' ? `${form} ${constant.group}` : form;
}

function compile(original: Graph, feeds: Feeds, setting: Setting, coverage?: Coverage): Compiled {
  const graph = cloneGraph(original);
  if (setting.passes) optimise(graph, { check: true });
  else if (graph.nodes.some(({ op }) => op === 'convTranspose2d')) lowerConvTranspose(graph);
  if (setting.eightBits) toBytes(graph, feeds, new Dice(setting.choices));
  verify(graph);
  const { linearWeights, dense, winograd } = setting;
  const options = { linearWeights, dense, winograd };
  const choices = new Map<string, string>();
  const dice = new Dice(setting.choices);
  let program = lowerGraph(graph, defaultCostModel, {
    ...options,
    onChoice(layer, ways) {
      if (setting.choices === 0 || choices.has(layer)) return;
      choices.set(layer, dice.one(ways).name);
    },
  });
  // rounding layers are checked by their actual inputs and outputs
  const rounding = new Set<number>();
  const find = () => {
    program = lowerGraph(graph, defaultCostModel, { ...options, choices });
    for (const { kernel, layer } of program.steps) if (isRounding(kernel)) rounding.add(layer);
    return rounding.size;
  };
  if (find() > 0) {
    for (const layer of rounding) {
      const { inputs, outputs } = graph.nodes[layer];
      for (const value of [inputs[0], inputs[3] ?? '', ...outputs]) expose(graph, value);
    }
    find();
  } else if (setting.passes && !setting.eightBits) {
    program = compileGraph(cloneGraph(original), options, { choices });
  }
  if (coverage) {
    for (const { op } of original.nodes) coverage.count('operators', op);
    for (const way of choices.values()) coverage.count('ways', way);
  }
  return { program, graph };
}

/** Values that can be are stored in bytes, with ranges that cut a little off, and are outputs as well. */
function toBytes(graph: Graph, feeds: Feeds, dice: Dice): void {
  separateLayers(graph);
  const ranges: Record<string, Range> = {};
  const eight: string[] = [];
  for (const [name, { data }] of evaluateAll(graph, feeds)) {
    let [min, max] = [Infinity, -Infinity];
    for (const v of data) [min, max] = [Math.min(min, v), Math.max(max, v)];
    ranges[name] = { min: 0.9 * min, max: 0.9 * max };
    if (dice.oneIn(3)) eight.push(name);
  }
  const edges = new Edges(graph);
  for (const node of graph.nodes) {
    for (const value of [...node.inputs, ...node.outputs]) {
      // but sums that a table follows: they are fused
      const isSum = isOp(edges.maker(value), 'conv2d') && isOp(edges.soleReader(value), 'unary');
      if (!isSum) expose(graph, value);
    }
  }
  const hasKernel = (node: Node, from: ByteGrid) => hasByteKernel(graph, node, from);
  storeInBytes(graph, { grids: gridsOf(graph, ranges, eight), hasKernel });
}

const isRounding = (kernel: string) => /^i[48]_linear/.test(kernel);

const exposed = 'exposed:';

function expose(graph: Graph, value: string): void {
  if (value === '' || graph.values.get(value)!.data) return;
  const name = exposed + value;
  if (!graph.outputs.some((port) => port.name === name)) graph.outputs.push({ value, name, dtype: 'float32' });
}

export type Results = Record<string, Pick<Tensor, 'shape' | 'data'>>;

async function runBuild(
  compiled: Compiled,
  bytes: Uint8Array,
  build: Build,
  graph: Graph,
  feeds: Feeds,
  setting: Setting,
  values: Values,
  coverage?: Coverage,
): Promise<string | undefined> {
  const { threads, workers, wideTiles } = setting;
  const dice = new Dice(threads);
  const alone = await loadInShares(bytes, build, 1, () => 0, { poison: true, wideTiles });
  const results = await alone.model.run(feeds);
  const bits = bitsOf(results);
  const differs = (other: Results) => Object.entries(bitsOf(other)).find(([name, b]) => !sameBits(b, bits[name]))?.[0];
  const constants = alone.constants();
  // another run leaves its numbers where this one left poison
  await alone.model.run(feedsOf(graph, 8));
  const again = differs(await alone.model.run(feeds));
  if (again !== undefined) return `${again} depends on what was in memory before`;
  if (!sameBits(constants, alone.constants())) return 'constants were overwritten';
  const wrong = check(compiled, graph, feeds, results, values, coverage);
  if (wrong !== undefined) return wrong;
  if (threads === 1) return undefined;
  const shared = workers
    ? { model: await loadModel(bytes, { build, threads, wideTiles }) }
    : await loadInShares(bytes, build, threads, (n) => dice.below(n), { poison: true, wideTiles });
  try {
    const other = differs(await shared.model.run(feeds));
    return other === undefined ? undefined : `${other} differs with ${threads} threads`;
  } finally {
    shared.model.dispose();
  }
}

function sameBits(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Compares a run's outputs with the evaluator. */
function check(
  { program, graph }: Compiled,
  original: Graph,
  feeds: Feeds,
  results: Results,
  values: Values,
  coverage?: Coverage,
): string | undefined {
  let expected = values;
  let source = original;
  const kernels = new Map<number, string>();
  for (const { kernel, layer } of program.steps) if (isRounding(kernel)) kernels.set(layer, kernel);
  graph.nodes.forEach((node, layer) => {
    if (isByteNode(graph, node)) kernels.set(layer, 'bytes');
  });
  if (kernels.size > 0) {
    const made = integerValues(graph, feeds, results, kernels);
    if (typeof made === 'string') return made;
    expected = made;
    source = graph;
  }
  let moves: Map<string, number> | undefined;
  for (const port of source.outputs) {
    if (port.name.startsWith(exposed)) continue;
    const { shape, data } = expected.get(port.value)!;
    const { permutation } = port;
    const wanted = permutation ? permuteData(data, shape, permutation) : data;
    const found = results[port.name];
    const wantedShape = permutation ? permuteShape(shape, permutation) : shape;
    if (String(found.shape) !== String(wantedShape)) return `${port.name} is [${found.shape}], not [${wantedShape}]`;
    let allowed = tolerance * magnitude(wanted) + tiny;
    if (firstOff(found.data, wanted, allowed) < 0) continue;
    // rounded layers have been replaced by their outputs: nothing cancels out before them
    moves ??= kernels.size > 0 ? unrestAfter(graph, feeds, expected, kernels) : unrest(source, feeds, values);
    const move = moves.get(port.value)!;
    if (coverage) coverage.cancelled++;
    if (move > maxUnrest * magnitude(wanted)) continue;
    allowed += 4 * move;
    const off = firstOff(found.data, wanted, allowed);
    if (off >= 0) {
      return `${port.name} [${wantedShape}], element ${off}: ${String(found.data[off])}, not ${wanted[off]} ± ${allowed}`;
    }
  }
  return undefined;
}

const firstOff = (found: ArrayLike<number | bigint>, wanted: Float32Array, allowed: number) =>
  wanted.findIndex((v, i) => !(Math.abs(Number(found[i]) - v) <= allowed));

/** The graph's values, with what rounded layers really made in the place of theirs once that has been checked. */
function integerValues(
  graph: Graph,
  feeds: Feeds,
  results: Results,
  kernels: ReadonlyMap<number, string>,
): Values | string {
  const wrong: string[] = [];
  const values = evaluateAll(graph, feeds, (node, made) => {
    const kernel = kernels.get(graph.nodes.indexOf(node));
    if (kernel === undefined) return;
    const [output] = node.outputs;
    const seen = new Map(made);
    for (const name of [...node.inputs, ...node.outputs]) {
      const found = results[exposed + name];
      if (found) seen.set(name, { shape: found.shape, data: found.data as Float32Array });
    }
    if (kernel === 'bytes') {
      byteResult(graph, node, seen).forEach(({ shape, data }, i) => {
        const name = node.outputs[i];
        const found = results[exposed + name];
        // what is not an output is made of what is, and read by what is
        if (!found) return void made.set(name, { shape, data });
        const off = data.findIndex((v, at) => v !== found.data[at] && !(v === 0 && found.data[at] === 0));
        if (off >= 0)
          wrong.push(`${node.name} (${node.op}) in bytes, element ${off}: ${found.data[off]}, not ${data[off]}`);
        made.set(name, seen.get(name)!);
      });
      return;
    }
    const { data, terms } = roundedLinear(graph, node, seen, kernel === 'i8_linear' ? 8 : 4);
    const found = seen.get(output)!;
    const allowed = tolerance * magnitude(data) + 2e-7 * terms;
    const off = firstOff(found.data, data, allowed);
    if (off >= 0) {
      wrong.push(`${node.name} by ${kernel}, element ${off}: ${found.data[off]}, not ${data[off]} ± ${allowed}`);
    }
    made.set(output, found);
  });
  return wrong[0] ?? values;
}

function unrestAfter(graph: Graph, feeds: Feeds, values: Values, kernels: ReadonlyMap<number, string>) {
  const cut = cloneGraph(graph);
  const rounded = new Set([...kernels.keys()].flatMap((layer) => graph.nodes[layer].outputs));
  cut.nodes = graph.nodes.filter((_, i) => !kernels.has(i));
  for (const name of rounded) {
    cut.values.set(name, { name, ...values.get(name)!, dtype: 'float32' });
  }
  const exact = new Map([...values].filter(([name]) => !rounded.has(name)));
  const moves = unrest(cut, feeds, exact);
  for (const name of rounded) moves.set(name, 0);
  return moves;
}
