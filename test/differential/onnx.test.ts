// Random ONNX files: compares results, with passes and kernels, with onnxruntime-web. Files are made node by node with
// the test's own writer; what onnxruntime runs and the importer takes for damaged is a failure too.
import { describe, expect, it } from 'vitest';
import { compileModel } from '../../src/compile.ts';
import { FiligreeError } from '../../src/errors.ts';
import { importOnnx } from '../../src/import/onnx/index.ts';
import { foldsConstants } from '../../src/import/onnx/arithmetic.ts';
import { onnxOperators } from '../../src/import/onnx/operators/index.ts';
import { loadModel } from '../../src/runtime/load.ts';
import { elementCount } from '../../src/tensor.ts';
import { relativeError } from '../kernels/wasm.ts';
import { OnnxBuilder } from '../import/onnx/model.ts';
import { patience } from '../patience.ts';
import type { PeerOutput } from '../peers/index.ts';
import { runOnnxModels } from '../peers/onnxruntime.ts';
import { Dice } from './dice.ts';
import { duration, startSeed } from './duration.ts';
import { onnxSteps } from './onnx-operators.ts';
import { evaluateAll, isTame, unrest } from './oracle.ts';

interface Case {
  seed: number;
  steps: number;
  model: OnnxBuilder;
  bytes: Uint8Array;
  /** Why the importer does not take it. */
  refused?: Error;
}

const inputShapes = [
  [1, 4, 9, 7],
  [2, 3, 6, 6],
  [1, 8, 5, 8],
  [2, 4, 12],
  [3, 10],
  [1, 12],
  [7],
  [1, 9, 1, 1],
  [2, 3, 2, 4, 3],
];

/** A file of at most `steps` steps. Fewer steps of the same seed are its beginning. */
function draw(seed: number, steps: number): Case {
  const dice = new Dice(seed);
  const model = new OnnxBuilder(dice.from(7, 22), dice.from(1, 1e6));
  const shape = dice.one(inputShapes);
  const values: [string, readonly number[]][] = [[model.input(shape), shape]];
  if (dice.oneIn(2)) values.push([model.input(shape), shape]);
  let refused: Error | undefined;
  let last = values[0][0];
  const whole = () => {
    model.outputs.length = 0;
    return model.output(last).bytesOfModel();
  };
  for (let i = 0; i < steps && !refused; i++) {
    const [x, own] = values[Math.max(values.length - 1 - dice.one([0, 0, 0, 1, 2]), 0)];
    const made = dice.one(Object.values(onnxSteps))({
      m: model,
      x,
      shape: own,
      dice: new Dice(dice.below(2 ** 31)),
      values,
    });
    for (const name of made) {
      last = name;
      try {
        const graph = importOnnx(whole(), 'random.onnx');
        const known = graph.values.get(graph.outputs[0].value)!.shape;
        if (elementCount(known) < 10_000 && known.length <= 6) values.push([name, known]);
      } catch (error) {
        refused = error as Error;
        break;
      }
    }
  }
  return { seed, steps, model, bytes: whole(), refused };
}

const used = new Set<string>();

/** Operators that no file has had, except rounding ones, which other runtimes compute differently. */
const missed = () =>
  [...onnxOperators.keys()].filter(
    (op) => !/^QLinear|\.Q|QuantizeLinear|DequantizeLinear|Integer/.test(op) && !used.has(op),
  );

let compared = 0;
/** Numbers of files: refused by both, not supported here, not supported by onnxruntime, with too large numbers. */
const left = { both: 0, unsupported: 0, peer: 0, wild: 0 };
const refusals: string[] = [];

/** What is wrong with a file, or undefined. */
async function wrongWith({ model, bytes, refused }: Case, peer: PeerOutput[] | Error): Promise<string | undefined> {
  if (refused) {
    if (peer instanceof Error) left.both++;
    else if (refused instanceof FiligreeError && refused.code === 'unsupported') left.unsupported++;
    else return `is refused: ${refused.message}`;
    return undefined;
  }
  if (peer instanceof Error) {
    left.peer++;
    refusals.push(peer.message.replace(/.*(ERROR_MESSAGE|Message): /, ''));
    return undefined;
  }
  for (const { op, domain } of model.nodes) used.add(domain === '' ? op : `${domain}.${op}`);
  const graph = importOnnx(bytes, 'random.onnx');
  const values = evaluateAll(graph, model.feeds);
  if (!isTame(values)) {
    left.wild++;
    return undefined;
  }
  compared++;
  const loaded = await loadModel(compileModel(bytes));
  const results = await loaded.run(model.feeds);
  loaded.dispose();
  for (const { name, shape, data } of peer) {
    const found = results[name!];
    if (String(found.shape) !== String(shape)) return `${name} is [${found.shape}], not [${shape}]`;
    const [own, theirs] = [found.data as Float32Array, data];
    if (relativeError(own, theirs) < 1e-4) continue;
    const { value } = graph.outputs.find((port) => port.name === name)!;
    const allowed = 4 * unrest(graph, model.feeds, values).get(value)!;
    const off = own.findIndex((v, i) => !(Math.abs(v - theirs[i]) <= allowed));
    if (off >= 0) return `${name} [${shape}], element ${off}: ${own[off]}, not ${theirs[off]} ± ${allowed}`;
  }
  return undefined;
}

/** The file as its nodes, one a line. */
function describeModel({ opset, nodes, initializers, inputs }: OnnxBuilder): string {
  const constants = new Map(
    initializers.map(({ name, dims, floats, int64s, raw }) => {
      const numbers =
        floats ??
        int64s ??
        (raw && raw.length <= 64 ? [...new BigInt64Array(raw.slice().buffer.slice(0, raw.length & ~7))] : []);
      return [name, `${name}[${dims}]${numbers.length > 0 && numbers.length <= 8 ? `=${numbers}` : ''}`];
    }),
  );
  const lines = nodes.map(
    ({ op, inputs: from, outputs, attributes }) =>
      `  ${outputs.join(', ')} = ${op}(${from.map((name) => constants.get(name) ?? name).join(', ')}) ${JSON.stringify(attributes)}`,
  );
  return [`opset ${opset}, ${inputs.map(({ name, shape }) => `${name} [${shape}]`).join(', ')}`, ...lines].join('\n');
}

/** The failing files made shorter: the first steps that fail already. */
async function shortest(seed: number, steps: number): Promise<string> {
  const cases = Array.from({ length: steps }, (_, i) => draw(seed, i + 1));
  const peers = await runOnnxModels(
    cases.map(({ model, bytes }) => ({ model: bytes, inputs: model.feeds, unoptimised: true })),
  );
  for (const [i, one] of cases.entries()) {
    const wrong = await wrongWith(one, peers[i]).catch((error: Error) => error.stack);
    if (wrong !== undefined) return `seed ${seed}, ${i + 1} steps: ${wrong}\n${describeModel(one.model)}`;
  }
  return `seed ${seed}: fails in ${steps} steps alone`;
}

describe('random ONNX files', () => {
  const { minutes } = duration;

  it('agree with onnxruntime', { timeout: patience + 120_000 * minutes }, async () => {
    const end = Date.now() + 60_000 * minutes;
    const failures: string[] = [];
    const [atOnce, most] = [160, 800];
    let tried = 0;
    for (let isDone = false; !isDone;) {
      const cases = Array.from({ length: atOnce }, () => draw(startSeed + tried++, 5));
      const peers = await runOnnxModels(
        cases.map(({ model, bytes }) => ({ model: bytes, inputs: model.feeds, unoptimised: true })),
      );
      for (const [i, one] of cases.entries()) {
        const wrong = await wrongWith(one, peers[i]).catch((error: Error) => error.stack);
        if (wrong !== undefined && failures.length < 10) failures.push(await shortest(one.seed, 5));
      }
      isDone = failures.length > 0 || (Date.now() >= end && (missed().length === 0 || tried >= most));
    }
    expect(failures.join('\n\n')).toBe('');
    if (minutes > 0) {
      if (refusals.length > 0) console.log([...new Set(refusals)].join('\n'));
      console.log(
        `onnx: ${compared} files, left out ${JSON.stringify(left)}, seeds ${startSeed}…${startSeed + tried - 1}`,
      );
    }
    expect(compared).toBeGreaterThan(0.8 * tried);
  });

  it('have every operator that the importer reads in floats', () => {
    expect(missed()).toEqual([]);
    expect([...used].filter((op) => !onnxOperators.has(op) && !foldsConstants(op))).toEqual([]);
  });
});
