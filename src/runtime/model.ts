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

/** An input or output as the model's author wrote it: NHWC stays NHWC. Outputs are always returned as float32. */
export interface TensorInfo {
  name: string;
  dtype: DType;
  shape: readonly number[];
}

export interface ModelInfo {
  /** The wasm build in use. */
  build: WasmBuild;
  threads: number;
  /** Bytes of linear memory: in total, for activations as planned, and for activations without sharing. */
  memory: { total: number; activations: number; activationsUnshared: number };
  /**
   * Upper bound, up to a small factor, of what one run multiplies and adds, or moves in layers that do neither.
   * Computed from the program; the MACs of layers come from the file.
   */
  work: number;
  /** Remarks from compilation and loading. */
  notes: readonly string[];
}

/** Runs a program on threads. */
type ProgramRunner = Pick<Team, 'threads' | 'isAsynchronous' | 'run' | 'dispose'>;

/** A loaded model. Made by `loadModel`. */
export class Model {
  readonly name: string;
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  /** The artifact's own metadata: labels, pre- and post-processing, provenance, licence. */
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly info: ModelInfo;
  #program: Program;
  #layout: MemoryLayout;
  #instance: Instance | undefined;
  #session: Session;
  #team: ProgramRunner | undefined;
  /** Settles when earlier runs are done. */
  #queue: Promise<unknown> | undefined;

  /** True for models of any entry point: `filigree` and `filigree/inline` are two bundles, each with its own class. */
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
   * Runs the model once. Calls may overlap: runs are done one after the other, in the order of calls, and one that
   * fails because of its inputs does not affect the others. With a page's threads, a waiting run reads its inputs when
   * its turn comes, so they must not change meanwhile; elsewhere a run is done when the call returns its promise. A run
   * that has started ends by itself, or with `disposed` when dispose() is called on a page meanwhile; it takes no
   * signal.
   * @param inputs One tensor per input, by name, in the declared shape; float32, or the declared integer dtype.
   * @returns One float32 tensor per output, by name; the caller's own copies.
   * @throws FiligreeError `invalid-argument` for a missing, unknown or ill-shaped input; `disposed` after dispose();
   * `environment` when a thread has failed: it has ended, or has not answered for half a minute. The model is unusable
   * then: dispose of it and load it again.
   */
  async run(inputs: Record<string, Tensor>): Promise<Record<string, Tensor>> {
    return this.session((session) => {
      writeInputs(session, inputs);
      return session.run(() => readOutputs(session));
    });
  }

  /**
   * Calls `use` when its turn comes: it writes the inputs, runs the session and reads the outputs. Where the calling
   * thread takes part in runs, this awaits only what `use` awaits, and `use` should await nothing.
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

  /** Runs `work` when all earlier calls are done. */
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

  /** Runs the program on the inputs in memory. */
  #execute(): void | Promise<void> {
    if (this.#team) return this.#team.run();
    this.#live().exports.run(this.#layout.records[0], this.#layout.records.length);
  }

  /**
   * Times each layer over several runs, after a warm-up that lets the engine optimise the kernels. Everything runs on
   * the calling thread, without interruption, when all earlier runs are done. Each layer of each timed run is a measure
   * of the User Timing API, `filigree: NAME`, which browsers' profilers show and a PerformanceObserver receives.
   * @param options.runs Timed runs, at least 1; 20 if not given. `warmup` runs come before, as many if not given.
   * @throws FiligreeError as run(), and `invalid-argument` for a bad number of runs.
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

  /** Whether dispose() was called. */
  get disposed(): boolean {
    return this.#instance === undefined;
  }

  /**
   * Frees the memory and ends the threads. Running and waiting runs reject with `disposed`. A second call does nothing.
   */
  dispose(): void {
    this.#team?.dispose();
    this.#team = undefined; // it also holds the memory
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
