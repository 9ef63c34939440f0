// Runs networks stitched together from candidates on photos, and measures their distance from the dense network.
import { chooseBuild, instantiate } from '../../../runtime/instantiate.ts';
import type { WasmProvider } from '../../../runtime/instantiate.ts';
import { inputValues } from '../../../runtime/endpoint.ts';
import { endpointWords } from '../../../program/layout.ts';
import { expandProgram, layOut } from '../../../runtime/expand.ts';
import type { WasmBuild } from '../../../runtime/probe.ts';
import { FiligreeError } from '../../../errors.ts';
import type { Endpoint } from '../../../program/program.ts';
import type { Tensor } from '../../../tensor.ts';
import { elementCount } from '../../../tensor.ts';
import type { Alternatives } from './alternatives.ts';
import type { LadderSet, Choice } from './candidates.ts';
import { Divergence } from './divergence.ts';
import type { Measure, NetworkOutputs } from './divergence.ts';
import { Journal } from './journal.ts';
import type { JobResult } from './workers.ts';
import { Workers } from './workers.ts';

export interface EvaluatorOptions {
  /** Threads that run networks in parallel, each with a copy of all candidates. Default 2. */
  threads?: number;
  build?: WasmBuild;
  wasm?: WasmProvider;
  signal?: AbortSignal;
  /** Keeps what is measured, and knows what an unfinished run has measured. */
  journal?: Journal;
}

/** Maximum photos of one worker's job. */
const photosOfJob = 4;

export class Evaluator {
  readonly #candidates: LadderSet;
  readonly #outputs: { endpoint: Endpoint; at: Int32Array | undefined }[];
  readonly #ranges: { address: number; count: number }[][];
  /** The ladder of each node; −1 for nodes without one. */
  readonly #ladderOf: number[];
  readonly #workers: Workers;
  readonly #journal: Journal;
  readonly #signal: AbortSignal | undefined;
  readonly #abort: () => void;
  readonly photos: number;
  #divergence: Divergence | undefined;
  /** Number of runs of a network on a photo, whole or from some layer on. */
  runs = 0;

  /**
   * @param samples tensors by the author's input names, as `model.run` takes them
   * @throws FiligreeError `invalid-argument` for a sample that does not fit, `environment` without memory or threads
   */
  static async open(
    candidates: LadderSet,
    alternatives: Alternatives,
    samples: readonly Readonly<Record<string, Tensor>>[],
    { threads = 2, build, wasm, signal, journal = new Journal() }: EvaluatorOptions = {},
  ): Promise<Evaluator> {
    const { program, valueBytes } = alternatives;
    const photos = samples.map((sample, i) => storedInputs(program.inputs, sample, `${program.name}: sample ${i}`));
    const layout = layOut(program);
    const instance = await instantiate(layout.bytes, chooseBuild(build, wasm), wasm);
    expandProgram(program, layout, instance);
    const { buffer } = instance.memory;
    const image = new Uint8Array(new SharedArrayBuffer(buffer.byteLength));
    image.set(new Uint8Array(buffer));
    const address = ({ at }: Endpoint) => layout.buffers[at.buffer] + at.offset;
    const workers = await Workers.start(
      {
        module: instance.module,
        image,
        pages: buffer.byteLength / 65536,
        values: { at: layout.arena, bytes: valueBytes },
        inputs: program.inputs.map((endpoint) => ({ at: address(endpoint) })),
        outputs: program.outputs.map((endpoint) => ({ at: address(endpoint), floats: endpointWords(endpoint) })),
        photos,
      },
      threads,
    );
    return new Evaluator(candidates, alternatives, layout.records, photos.length, workers, journal, signal);
  }

  private constructor(
    candidates: LadderSet,
    { program, steps }: Alternatives,
    records: readonly number[],
    photos: number,
    workers: Workers,
    journal: Journal,
    signal: AbortSignal | undefined,
  ) {
    this.#candidates = candidates;
    this.#ranges = steps.map((rungs) => rungs.map(({ first, count }) => ({ address: records[first], count })));
    const { graph, ladders } = candidates;
    this.#ladderOf = graph.nodes.map(({ name }) => ladders.findIndex(({ layer }) => layer.name === name));
    this.#outputs = program.outputs.map((endpoint) => ({ endpoint, at: storedAt(endpoint) }));
    this.photos = photos;
    this.#workers = workers;
    this.#journal = journal;
    this.#signal = signal;
    this.#abort = () => workers.dispose(signal!.reason);
    signal?.addEventListener('abort', this.#abort);
  }

  /** Makes the outputs of a choice the reference for all comparisons. */
  async compareWith(choice: Choice, measure?: Measure): Promise<void> {
    const outputs = await this.outputs(choice, this.allPhotos());
    this.#divergence = new Divergence(
      this.#outputs.map(({ endpoint }) => endpoint),
      outputs,
      measure,
    );
  }

  /** Uses the reference of another evaluator. */
  compareAs(other: Evaluator): void {
    this.#divergence = other.#divergence;
  }

  allPhotos(): number[] {
    return Array.from({ length: this.photos }, (_, i) => i);
  }

  /** The outputs of one network on some photos. */
  async outputs(choice: Choice, which: readonly number[]): Promise<NetworkOutputs[]> {
    this.runs += which.length;
    const records = this.#recordsOf(choice, 0, this.#ranges.length);
    const parts = await Promise.all(chunks(which, photosOfJob).map((part) => this.#run(part, [], [records])));
    return parts.flatMap((result) => this.#split(result));
  }

  /** The mean divergence of each of several networks over some photos. */
  async divergences(choices: readonly Choice[], which: readonly number[]): Promise<readonly number[]> {
    this.runs += which.length * choices.length;
    return this.#journal.result(() => this.#divergencesOf(choices, which));
  }

  async #divergencesOf(choices: readonly Choice[], which: readonly number[]): Promise<number[]> {
    return Promise.all(
      choices.map(async (choice) => {
        const records = this.#recordsOf(choice, 0, this.#ranges.length);
        const parts = await Promise.all(
          chunks(which, photosOfJob).map(async (part) => {
            const outputs = this.#split(await this.#run(part, [], [records]));
            return part.reduce((sum, photo, i) => sum + this.#divergence!.of(photo, outputs[i]), 0);
          }),
        );
        return parts.reduce((a, b) => a + b, 0) / which.length;
      }),
    );
  }

  /**
   * The mean divergences of networks that differ from `base` in one layer, which is on each of `rungs`. The part before the
   * layer runs only once.
   */
  async variants(
    base: Choice,
    ladder: number,
    rungs: readonly number[],
    which: readonly number[],
  ): Promise<readonly number[]> {
    this.runs += which.length * rungs.length;
    return this.#journal.result(() => this.#variantsOf(base, ladder, rungs, which));
  }

  async #variantsOf(base: Choice, ladder: number, rungs: readonly number[], which: readonly number[]) {
    const node = this.#ladderOf.indexOf(ladder);
    const prefix = this.#recordsOf(base, 0, node);
    const variants = rungs.map((rung) => this.#recordsOf(base.with(ladder, rung), node, this.#ranges.length));
    const parts = await Promise.all(
      chunks(which, photosOfJob).map(async (part) => {
        const outputs = this.#split(await this.#run(part, prefix, variants));
        return rungs.map((_, v) =>
          part.reduce((sum, photo, i) => sum + this.#divergence!.of(photo, outputs[i * rungs.length + v]), 0),
        );
      }),
    );
    return rungs.map((_, v) => parts.reduce((sum, part) => sum + part[v], 0) / which.length);
  }

  dispose(): void {
    this.#signal?.removeEventListener('abort', this.#abort);
    this.#workers.dispose();
  }

  async #run(which: readonly number[], prefix: number[], variants: number[][]): Promise<JobResult> {
    this.#signal?.throwIfAborted();
    return this.#workers.run({ which, prefix, variants });
  }

  /** Addresses and counts of the records of nodes `from` … `to` − 1. */
  #recordsOf(choice: Choice, from: number, to: number): number[] {
    const records: number[] = [];
    for (let node = from; node < to; node++) {
      const ladder = this.#ladderOf[node];
      const range = this.#ranges[node][ladder < 0 ? 0 : choice[ladder]];
      // views have no steps
      if (range?.count) records.push(range.address, range.count);
    }
    return records;
  }

  /** Stored outputs, one after the other → the outputs of each run, row-major. */
  #split(result: JobResult): NetworkOutputs[] {
    const count = this.#outputs.length;
    return Array.from({ length: result.length / count }, (_, run) =>
      this.#outputs.map(({ at }, i) => {
        const stored = result[run * count + i];
        return at ? Float32Array.from(at, (place) => stored[place]) : stored;
      }),
    );
  }

  /** The ladders to choose from. */
  get candidates(): LadderSet {
    return this.#candidates;
  }
}

/** Offsets of an endpoint's elements, in row-major order; undefined when they are stored in that order. */
function storedAt(endpoint: Endpoint): Int32Array | undefined {
  const { shape, strides } = endpoint;
  const count = elementCount(shape);
  const at = new Int32Array(count);
  let inOrder = true;
  for (let i = 0; i < count; i++) {
    let rest = i;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at[i] += (rest % shape[axis]) * strides[axis];
      rest = Math.floor(rest / shape[axis]);
    }
    inOrder &&= at[i] === i;
  }
  return inOrder ? undefined : at;
}

/** A sample's inputs in the program's layout, in memory that threads share. */
function storedInputs(
  inputs: readonly Endpoint[],
  sample: Readonly<Record<string, Tensor>>,
  name: string,
): Float32Array[] {
  return inputs.map((endpoint) => {
    const tensor = Object.hasOwn(sample, endpoint.name) ? sample[endpoint.name] : undefined;
    if (!tensor) throw new FiligreeError('invalid-argument', `${name}: input "${endpoint.name}" is missing`);
    const values = inputValues(endpoint, tensor, name);
    const stored = new Float32Array(new SharedArrayBuffer(4 * endpointWords(endpoint)));
    const at = storedAt(endpoint);
    if (!at) stored.set(values);
    else values.forEach((value, i) => (stored[at[i]] = value));
    return stored;
  });
}

function chunks<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, i) => list.slice(i * size, (i + 1) * size));
}
