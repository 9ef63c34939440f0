import type { Shape } from '../graph/graph.ts';
import type { KernelArguments, KernelName } from '../program/kernels.ts';
import type { Constant, Pointer } from '../program/program.ts';
import type { ByteGrid } from '../quantisation.ts';
import type { WinogradTile } from '../program/tiles.ts';
import type { CostModel } from './cost-model.ts';

/** Integer types of the weights of linear layers. */
export type LinearWeights = 'int8' | 'int4';

/** The cost of a step, for profiles and reports. */
export interface StepCost {
  /** Multiply-accumulates of the dense operation. */
  macs?: number;
  /** Multiply-accumulates on weights that are kept. */
  effectiveMacs?: number;
  /** Zeros over all weights, 0…1. */
  sparsity?: number;
}

/** One way to compute a layer. The cost model and tuning choose among them. */
export interface Candidate {
  /** Name of its kernel. */
  name: string;
  /** Milliseconds predicted by the cost model. */
  ms: number;
  /** Whether it multiplies by every weight. */
  isDense: boolean;
}

/** The name of the chosen candidate by layer. Layers without an entry use the cost model's choice. */
export type Choices = ReadonlyMap<string, string>;

/** Called for each choice that lowering makes, with all candidates, the key of equal work, and the name of the chosen one. */
export type OnChoice = (layer: string, candidates: readonly Candidate[], workloadKey: string, chosen: string) => void;

/** What an operator's `lower` can read and emit. */
export interface Lowering {
  readonly costModel: CostModel;
  /** Integers that linear layers may round their weights to. */
  readonly linearWeights?: LinearWeights;
  /** Outputs of a tile of Winograd's convolutions along each axis, 4 if not given; false: they are not used. */
  readonly winograd?: WinogradTile | false;
  shape(value: string): Shape;
  /** The bytes in which a value is stored, in words of four channels; undefined: floats. */
  bytes?(value: string): ByteGrid | undefined;
  /** Strides of each axis in floats, in the value's storage. For bytes the second axis has a word for four channels. */
  strides(value: string): number[];
  /** True when the value's planes are padded (see `paddedPlane`): writers may spill garbage into the padding. */
  inPlanes(value: string): boolean;
  /** The address `floats` from the start of a value. A constant is uploaded unchanged, as row-major f32. */
  at(value: string, floats?: number): Pointer;
  /** The constant's data as f32, or undefined when the value is computed. */
  constantData(value: string): Float32Array | undefined;
  /** True when `value` has been placed inside `host`'s storage at that offset, so that nothing is copied. */
  isPlaced(value: string, host: string, floats?: number): boolean;
  /** Memory for this node alone, 64-byte aligned, undefined content. */
  scratch(bytes: number): Pointer;
  /** Data that the program needs at run time: packed weights, tables. `weights` may be rounded: see CompileOptions.weights. */
  constant(constant: Constant, kind?: 'weights'): Pointer;
  /**
   * Call it before making tables of this many entries, if their size does not come from data in the file.
   * @throws Error when the tables of all nodes together are too large
   */
  claimTables?(entries: number): void;
  /**
   * The name of the candidate to use: the one chosen by tuning, or the fastest by the cost model.
   * @param workloadKey Equal for work that takes the same time on one device.
   */
  choose(candidates: readonly Candidate[], workloadKey: string): string;
  /** Records a note for the user about this node. */
  note(text: string): void;
  emit<K extends KernelName>(kernel: K, args: KernelArguments<K>, cost?: StepCost): void;
}
