import type { Shape } from '../graph/graph.ts';
import type { KernelArguments, KernelName } from '../program/kernels.ts';
import type { Constant, Pointer } from '../program/program.ts';
import type { CostModel } from './cost-model.ts';
import type { Range } from './ranges.ts';

/** What the weights of linear layers are rounded to. */
export type LinearWeights = 'int8' | 'int4';

/** What a step costs, for profiles and reports. */
export interface StepCost {
  /** Multiply-accumulates of the dense operation. */
  macs?: number;
  /** Multiply-accumulates on weights that are kept. */
  effectiveMacs?: number;
  /** Zeros over all weights, 0…1. */
  sparsity?: number;
}

/** One way to do a layer's work, for the cost model and tuning to choose from. */
export interface Candidate {
  /** Of its kernel. */
  name: string;
  /** As the cost model predicts. */
  ms: number;
  /** Whether it multiplies by every weight. */
  isDense: boolean;
}

/** Chooses ways: by layer, the name of the one to take. Where it has no choice the cost model's is taken. */
export type Choices = ReadonlyMap<string, string>;

/** Told of each choice that lowering makes: the ways there are, what makes layers alike, and the name of the way taken. */
export type OnChoice = (layer: string, candidates: readonly Candidate[], workloadKey: string, chosen: string) => void;

/** What an operator's `lower` may ask and emit. */
export interface Lowering {
  readonly costModel: CostModel;
  /** What a value is known to hold, where it may be quantised: see CompileOptions.int8. */
  range?(value: string): Range | undefined;
  /** Integers that linear layers may round their weights to. */
  readonly linearWeights?: LinearWeights;
  shape(value: string): Shape;
  /** Strides of each axis in floats, as the value is stored. */
  strides(value: string): number[];
  /** True when the value's planes are padded (see `paddedPlane`): writers may spill garbage into the padding. */
  inPlanes(value: string): boolean;
  /** Where a value is stored, `floats` from its start. A constant is uploaded as it is, row-major f32. */
  at(value: string, floats?: number): Pointer;
  /** The constant's data as f32, or undefined when the value is computed. */
  constantData(value: string): Float32Array | undefined;
  /** True when `value` has been placed inside `host`'s storage at that offset: nothing to copy. */
  isPlaced(value: string, host: string, floats?: number): boolean;
  /** Memory for this node alone, 64-byte aligned, undefined content. */
  scratch(bytes: number): Pointer;
  /** Data that the program needs at run time: packed weights, tables. `weights` may be rounded: see CompileOptions.weights. */
  constant(constant: Constant, kind?: 'weights'): Pointer;
  /**
   * To be asked before tables of so many entries are made that no data of the file stands for.
   * @throws Error when the tables of all nodes are too large together
   */
  claimTables?(entries: number): void;
  /**
   * The name of the way to take: the one that tuning has found or that the cost model finds fastest.
   * @param workloadKey The same for work that takes as long on the same device.
   */
  choose(candidates: readonly Candidate[], workloadKey: string): string;
  /** Says about this node what a user should know. */
  note(text: string): void;
  emit<K extends KernelName>(kernel: K, args: KernelArguments<K>, cost?: StepCost): void;
}
