/// <reference lib="esnext.disposable" preserve="true" />
import type { LayerProfile } from './layer-profile.ts';
import { FiligreeError } from '../errors.ts';
import type { Endpoint, Program } from '../program/program.ts';
import type { DType } from '../tensor.ts';
import type { Tensor } from '../tensor.ts';
import type { MemoryLayout } from './expand.ts';
import type { Instance } from './instantiate.ts';
import type { WasmBuild } from './probe.ts';
import type { Session } from './session.ts';
import { openSession } from './session.ts';
import { readOutputs, writeInputs } from './tensors.ts';
import type { Team } from './threads/team.ts';

/** An input or output as the model's author wrote it: NHWC stays NHWC. Outputs are always given as float32. */
export interface TensorInfo {
  name: string;
  dtype: DType;
  shape: readonly number[];
}

export interface ModelInfo {
  /** The wasm build that runs. */
  build: WasmBuild;
  threads: number;
  /** Bytes of linear memory, of them activations as planned, and what those would take without sharing. */
  memory: { total: number; activations: number; activationsUnshared: number };
  /**
   * What one run multiplies and adds, or moves where it does neither: at most, but for a small factor. Worked out from the
   * program, while the MACs of layers are what the file says.
   */
  work: number;
  /** Remarks from compilation. */
  notes: readonly string[];
}

/** What runs a program on threads. */
type ProgramRunner = Pick<Team, 'threads' | 'isAsynchronous' | 'run' | 'dispose'>;

/** A loaded model. Made by `loadModel`. */
export class Model {
  readonly name: string;
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  /** What the artifact says of itself: labels, pre- and post-processing, provenance, licence. */
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly info: ModelInfo;
  #program: Program;
  #layout: MemoryLayout;
  #instance: Instance | undefined;
  #session: Session;
  #team: ProgramRunner | undefined;
  /** Settles when the runs before are done. */
  #queue: Promise<unknown> | undefined;

  /** True for models of any entry point: `filigree` and `filigree/inline` are bundles with a class each. */
  static [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && 'session' in value && 'profile' in value && 'info' in value;
  }

  /** @internal */
  constructor(program: Program, layout: MemoryLayout, instance: Instance, team?: ProgramRunner, work = 0) {
    this.name = program.name;
    this.inputs = program.inputs.map(tensorInfo);
    this.outputs = program.outputs.map(tensorInfo);
    this.metadata = program.metadata;
    this.info = {
      build: instance.build,
      threads: team?.threads ?? 1,
      memory: {
        total: instance.memory.buffer.byteLength,
        activations: program.arenaBytes,
        activationsUnshared: program.naiveArenaBytes,
      },
      work,
      notes: program.notes,
    };
    this.#program = program;
    this.#layout = layout;
    this.#instance = instance;
    this.#team = team;
    this.#session = openSession(
      program,
      layout,
      () => this.#live(),
      () => this.#execute(),
    );
  }

  /**
   * Runs the model once. Any number may be asked for at a time: they run one after the other, in the order of calls, and
   * one that fails for its inputs leaves the others alone. On a page's threads those that wait for their turn read their
   * inputs then, which must not change meanwhile; elsewhere a run is done when the call returns its promise. A run that
   * has begun ends by itself, or with `disposed` when dispose() is called on a page meanwhile; it takes no signal.
   * @param inputs One tensor per input, by name, in the declared shape; float32, or the declared integer dtype.
   * @returns One float32 tensor per output, by name; the caller's own copies.
   * @throws FiligreeError `invalid-argument` on a missing, unknown or ill-shaped input; `disposed` after dispose();
   * `environment` when a thread has failed: it has ended, or has not answered for half a minute. The model is lost then:
   * dispose of it and load it again.
   */
  async run(inputs: Record<string, Tensor>): Promise<Record<string, Tensor>> {
    return this.session((session) => {
      writeInputs(session, inputs);
      return session.run(() => readOutputs(session));
    });
  }

  /**
   * One run by `use`, which writes the inputs, runs the session and reads the outputs; in the order of calls. Where the
   * calling thread takes part in runs nothing is awaited that `use` does not await, and it should not.
   * @internal
   * @throws FiligreeError as run()
   */
  async session<T>(use: (session: Session) => T | Promise<T>): Promise<T> {
    const begin = () => {
      this.#live();
      return use(this.#session);
    };
    return this.#team?.isAsynchronous ? this.#inTurn(begin) : begin();
  }

  /** Does something when all that was asked for before is done. */
  async #inTurn<T>(work: () => T | Promise<T>): Promise<T> {
    const before = this.#queue;
    let done!: () => void;
    this.#queue = new Promise<void>((resolve) => (done = resolve));
    try {
      await before;
      return await work();
    } finally {
      done();
    }
  }

  /** Runs the program on the inputs that are written. */
  #execute(): void | Promise<void> {
    if (this.#team) return this.#team.run();
    this.#live().exports.run(this.#layout.records[0], this.#layout.records.length);
  }

  /**
   * Times each layer over several runs, after a warm-up that lets the engine optimise the kernels. All of it happens on the
   * calling thread, in one piece, when the runs that were asked for before are done. Each layer of each timed run is a
   * measure of the User Timing API, `filigree: NAME`, that profilers of browsers show and a PerformanceObserver receives.
   * @param options.runs Timed runs, at least 1; 20 if not given. `warmup` runs come before, as many if not given.
   * @throws FiligreeError as run(), and `invalid-argument` for a number of runs that is none.
   */
  async profile(
    inputs: Record<string, Tensor>,
    options: { runs?: number; warmup?: number } = {},
  ): Promise<LayerProfile[]> {
    this.#live();
    const { profileLayers } = await import('./profile.ts');
    const { records } = this.#layout;
    return this.#inTurn(() =>
      profileLayers(this.#program, records, this.#live(), () => writeInputs(this.#session, inputs), options),
    );
  }

  /** Whether its memory has been given back. */
  get disposed(): boolean {
    return this.#instance === undefined;
  }

  /**
   * Gives the memory back and ends the threads. Runs that go on or wait reject with `disposed`. Calling it again does
   * nothing.
   */
  dispose(): void {
    this.#team?.dispose();
    this.#team = undefined; // it holds the memory, too
    this.#instance = undefined;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #live(): Instance {
    if (!this.#instance) throw new FiligreeError('disposed', `${this.name}: used after dispose()`);
    return this.#instance;
  }
}

const tensorInfo = ({ name, dtype, shape }: Endpoint): TensorInfo => ({ name, dtype, shape });
