// A failing network made smaller for as long as it fails: delta debugging on graphs.
import type { Graph, Node, Shape } from '../../src/graph/graph.ts';
import { inferShapes } from '../../src/graph/infer.ts';
import { inversePermutation, permuteData, permuteShape } from '../../src/graph/permute.ts';
import { verify } from '../../src/graph/verify.ts';
import type { DenseTensor } from '../../src/ops/operator.ts';
import { removeDead } from '../../src/passes/remove-dead.ts';
import { elementCount, Tensor } from '../../src/tensor.ts';
import { cloneGraph } from '../graphs.ts';
import type { Feeds } from './network.ts';
import { evaluateAll } from './oracle.ts';

/** A network with its inputs and how it is run. */
export interface Failure<S> {
  graph: Graph;
  feeds: Feeds;
  setting: S;
}

type Candidate<S> = () => Failure<S> | undefined;

/**
 * Makes a failing case smaller: fewer outputs, nodes, elements and attributes, rounder numbers, a plainer setting.
 * @param fails tells whether a case still fails; it is asked `most` times at most
 * @param plain the setting that is tried, field by field
 */
export async function minimise<S extends object>(
  failure: Failure<S>,
  plain: S,
  fails: (candidate: Failure<S>) => Promise<boolean>,
  most = 600,
): Promise<Failure<S>> {
  let best = failure;
  let asked = 0;
  for (let changed = true; changed && asked < most;) {
    changed = false;
    for (const ways of reductions<S>()) {
      // restarts after each success, because the first changes in the list gain most
      for (let i = 0, list = ways(best, plain); i < list.length && asked < most; i++) {
        const candidate = attempt(list[i]);
        if (!candidate) continue;
        asked++;
        if (!(await fails(candidate))) continue;
        best = candidate;
        changed = true;
        list = ways(best, plain);
        i = -1;
      }
    }
  }
  return best;
}

/** A candidate whose graph is one, or undefined. */
function attempt<S>(make: Candidate<S>): Failure<S> | undefined {
  try {
    const made = make();
    if (!made) return undefined;
    removeDead(made.graph);
    const read = new Set([
      ...made.graph.nodes.flatMap(({ inputs }) => inputs),
      ...made.graph.outputs.map((p) => p.value),
    ]);
    made.graph.inputs = made.graph.inputs.filter(
      ({ value }, i, all) => read.has(value) || (i === 0 && !all.some((port) => read.has(port.value))),
    );
    for (const name of made.graph.values.keys()) {
      const isInput = made.graph.inputs.some(({ value }) => value === name);
      const isMade = made.graph.nodes.some(({ outputs }) => outputs.includes(name));
      if (!isInput && !isMade && !read.has(name)) made.graph.values.delete(name);
    }
    made.feeds = Object.fromEntries(made.graph.inputs.map(({ name }) => [name, made.feeds[name]]));
    inferShapes(made.graph);
    verify(made.graph);
    return made;
  } catch {
    return undefined;
  }
}

type Reduction = <S extends object>(from: Failure<S>, plain: S) => Candidate<S>[];

function reductions<S extends object>(): ((from: Failure<S>, plain: S) => Candidate<S>[])[] {
  const all: Reduction[] = [
    plainerSetting,
    oneOutput,
    cutInputs,
    plainPorts,
    plainAttributes,
    fewerElements,
    fewerChannels,
    rounderNumbers,
  ];
  return all as ((from: Failure<S>, plain: S) => Candidate<S>[])[];
}

const plainerSetting: Reduction = (from, plain) =>
  (Object.keys({ ...from.setting, ...plain }) as (keyof typeof plain)[])
    .filter((key) => from.setting[key] !== plain[key])
    .map((key) => () => ({ ...from, graph: cloneGraph(from.graph), setting: { ...from.setting, [key]: plain[key] } }));

const oneOutput: Reduction = (from) => {
  const { graph } = from;
  const outputs = new Set(graph.outputs.map(({ value }) => value));
  const made = graph.nodes.flatMap((node) => node.outputs);
  // the first value that is wrong is the best; outputs that are not needed come next
  const alone = made
    .filter((value) => outputs.size > 1 || !outputs.has(value))
    .map((value) => () => {
      const copy = cloneGraph(graph);
      copy.outputs = [{ value, name: 'output0', dtype: 'float32' as const }];
      return copy.nodes.length > 0 ? { ...from, graph: copy } : undefined;
    });
  const isOne = graph.outputs.length === 1;
  const without = graph.outputs.map((_, i) => () => {
    const copy = cloneGraph(graph);
    copy.outputs.splice(i, 1);
    return { ...from, graph: copy };
  });
  return isOne ? alone : [...alone, ...without];
};

/** A node's result becomes an input that is fed the same numbers: what led to it is not needed. Or a node is left out. */
const cutInputs: Reduction = (from) => {
  const { graph, feeds } = from;
  let values: Map<string, DenseTensor> | undefined;
  const cuts = graph.nodes.toReversed().map((node) => () => {
    values ??= evaluateAll(graph, feeds);
    const copy = cloneGraph(graph);
    if (node.outputs.some((output) => graph.outputs.some(({ value }) => value === output))) return undefined;
    copy.nodes = copy.nodes.filter(({ name }) => name !== node.name);
    const more: Feeds = { ...feeds };
    for (const output of node.outputs) {
      const { shape, data } = values.get(output)!;
      const name = `cut ${output}`;
      copy.inputs.push({ value: output, name, dtype: 'float32' });
      more[name] = new Tensor('float32', shape, data.slice());
    }
    return { ...from, graph: copy, feeds: more };
  });
  const skips = graph.nodes.flatMap((node) => {
    const output = node.outputs[0];
    return node.inputs
      .filter(
        (input) => input !== '' && String(graph.values.get(input)!.shape) === String(graph.values.get(output)!.shape),
      )
      .map((input) => () => {
        const copy = cloneGraph(graph);
        copy.nodes = copy.nodes.filter(({ name }) => name !== node.name);
        for (const other of copy.nodes) other.inputs = other.inputs.map((name) => (name === output ? input : name));
        for (const port of copy.outputs) if (port.value === output) port.value = input;
        return copy.nodes.length > 0 ? { ...from, graph: copy } : undefined;
      });
  });
  return [...cuts, ...skips];
};

/** Ports in the value's own order, as float32. */
const plainPorts: Reduction = (from) => {
  const { graph, feeds } = from;
  const inputs = graph.inputs
    .map((port, i) => ({ ...port, i }))
    .filter(({ permutation, dtype }) => permutation || dtype !== 'float32')
    .map(({ i }) => () => {
      const copy = cloneGraph(graph);
      const { name, value } = copy.inputs[i];
      const { shape, data } = evaluateAll({ ...graph, nodes: [] }, feeds).get(value)!;
      copy.inputs[i] = { name, value, dtype: 'float32' };
      return { ...from, graph: copy, feeds: { ...feeds, [name]: new Tensor('float32', shape, data) } };
    });
  const outputs = graph.outputs.flatMap(({ permutation }, i) =>
    permutation
      ? [
          () => {
            const copy = cloneGraph(graph);
            delete copy.outputs[i].permutation;
            return { ...from, graph: copy };
          },
        ]
      : [],
  );
  return [...inputs, ...outputs];
};

const plain: Record<string, unknown[]> = {
  activation: [undefined],
  ceilMode: [false],
  countIncludePad: [false],
  scales: [undefined],
  groups: [1],
  beta: [1],
  value: [0],
  coordinates: ['asymmetric'],
  nearest: ['floor'],
  order: ['DCR'],
  keepDims: [true],
};

/** Values that an attribute might have as well. */
function plainer(key: string, value: unknown): unknown[] {
  if (key in plain) return plain[key].filter((other) => other !== value);
  if (!Array.isArray(value)) return [];
  const least = { stride: 1, dilation: 1, pads: 0, outputPadding: 0, before: 0, after: 0, starts: 0, steps: 1 }[key];
  const whole = least === undefined ? [] : [value.map(() => least)];
  const each = value.flatMap((v: number, i) => {
    const lower = least ?? 1;
    return typeof v === 'number' && v !== lower
      ? [value.with(i, lower), value.with(i, Math.trunc((v + lower) / 2))]
      : [];
  });
  return [...whole, ...each].filter((other) => String(other) !== String(value));
}

const plainAttributes: Reduction = (from) =>
  from.graph.nodes.flatMap((node, i) => {
    const candidates = Object.entries(node.attributes).flatMap(([key, value]) =>
      plainer(key, value).map((other) => () => {
        const copy = cloneGraph(from.graph);
        copy.nodes[i].attributes = { ...node.attributes, [key]: other };
        return { ...from, graph: copy };
      }),
    );
    const optional = node.op === 'conv2d' || node.op === 'linear' || node.op === 'convTranspose2d';
    const absent = (optional ? [2, 3] : [])
      .filter((k) => node.inputs[k])
      .map((k) => () => {
        const copy = cloneGraph(from.graph);
        copy.nodes[i].inputs = node.inputs.with(k, '');
        while (copy.nodes[i].inputs.at(-1) === '') copy.nodes[i].inputs.pop();
        return { ...from, graph: copy };
      });
    return [...absent, ...candidates];
  });

/** The first `length` entries of an axis. */
function shortened({ shape, data }: DenseTensor, axis: number, length: number): DenseTensor {
  const inner = elementCount(shape.slice(axis + 1));
  const from = shape[axis] * inner;
  const kept: number[] = [];
  for (let at = 0; at < data.length; at += from) kept.push(...data.subarray(at, at + length * inner));
  return { shape: shape.with(axis, length), data: Float32Array.from(kept) };
}

const lengths = (length: number) => [...new Set([1, length >> 1, length - 1])].filter((n) => n >= 1 && n < length);

/** Inputs shorter along one axis, all of those that have the same shape alike. */
const fewerElements: Reduction = (from) =>
  from.graph.inputs.flatMap(({ value: first }) => {
    const { shape } = from.graph.values.get(first)!;
    return shape.flatMap((size, axis) =>
      lengths(size).map((length) => () => {
        const copy = cloneGraph(from.graph);
        const feeds = { ...from.feeds };
        for (const { value, name } of copy.inputs) {
          const known = copy.values.get(value)!;
          if (known.shape[axis] !== size || known.shape.length !== shape.length) continue;
          shortenInput(copy, feeds, name, axis, length);
        }
        return { ...from, graph: copy, feeds };
      }),
    );
  });

function shortenInput(graph: Graph, feeds: Feeds, name: string, axis: number, length: number): void {
  const { value, permutation } = graph.inputs.find((port) => port.name === name)!;
  const known = graph.values.get(value)!;
  const { dtype, shape, data } = feeds[name];
  const own = permutation
    ? permuteData(Float32Array.from(data as Float32Array), shape, inversePermutation(permutation))
    : Float32Array.from(data as Float32Array);
  const short = shortened({ shape: known.shape, data: own }, axis, length);
  known.shape = short.shape;
  const wanted = permutation ? permuteShape(short.shape, permutation) : short.shape;
  const numbers = permutation ? permuteData(short.data, short.shape, permutation) : short.data;
  feeds[name] = new Tensor(dtype, wanted, dtype === 'float32' ? numbers : Array.from(numbers));
}

function shortenConstant(graph: Graph, name: string, axis: number, length: number): void {
  const value = graph.values.get(name)!;
  const short = shortened({ shape: value.shape, data: value.data as Float32Array }, axis, length);
  graph.values.set(name, { ...value, shape: short.shape, data: short.data });
}

/** Layers with fewer outputs, and with fewer inputs where they read an input of the graph. */
const fewerChannels: Reduction = (from) =>
  from.graph.nodes.flatMap((node, i) => {
    const { groups = 1 } = node.attributes as { groups?: number };
    if ((node.op !== 'conv2d' && node.op !== 'linear') || groups !== 1) return [];
    const [x, w, b = ''] = node.inputs;
    const shape: Shape = from.graph.values.get(w)!.shape;
    const outputs = lengths(shape[0]).map((length) => () => {
      const copy = cloneGraph(from.graph);
      shortenConstant(copy, w, 0, length);
      if (b !== '') shortenConstant(copy, b, 0, length);
      return { ...from, graph: copy };
    });
    const port = from.graph.inputs.find(({ value }) => value === x);
    const axis = node.op === 'conv2d' ? 1 : from.graph.values.get(x)!.shape.length - 1;
    const isSole = from.graph.nodes.every((other: Node, k) => k === i || !other.inputs.includes(x));
    const inputs = (port && isSole ? lengths(shape[1]) : []).map((length) => () => {
      const copy = cloneGraph(from.graph);
      const feeds = { ...from.feeds };
      shortenInput(copy, feeds, port!.name, axis, length);
      shortenConstant(copy, w, 1, length);
      return { ...from, graph: copy, feeds };
    });
    return [...outputs, ...inputs];
  });

const small = (v: number) => Math.round(v * 4) / 4 || (v === 0 ? 0 : Math.sign(v));

const isRound = (data: ArrayLike<number>) => Array.from(data).every((v) => small(v) === v);

/** Constants and inputs of ones, of halves and quarters, or of zeros. */
const rounderNumbers: Reduction = (from) => {
  const rounders: ((v: number) => number)[] = [(v) => (v === 0 ? 0 : 1), small];
  const constants = [...from.graph.values.values()]
    .filter(({ data }) => data instanceof Float32Array && !isRound(data))
    .flatMap(({ name, data }) =>
      rounders.map((round) => () => {
        const copy = cloneGraph(from.graph);
        copy.values.get(name)!.data = (data as Float32Array).map(round);
        return { ...from, graph: copy };
      }),
    );
  const inputs = from.graph.inputs
    .filter(({ name }) => from.feeds[name].dtype === 'float32' && !isRound(from.feeds[name].data as Float32Array))
    .flatMap(({ name }) =>
      rounders.map((round) => () => {
        const { shape, data } = from.feeds[name];
        const feeds = { ...from.feeds, [name]: new Tensor('float32', shape, (data as Float32Array).map(round)) };
        return { ...from, graph: cloneGraph(from.graph), feeds };
      }),
    );
  return [...constants, ...inputs];
};
