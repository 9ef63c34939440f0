import type { Shape } from '../graph/graph.ts';

/** By this, operators ask that two values share storage, before memory is planned. See `place` in ops/operator.ts. */
export interface Placement {
  shape(value: string): Shape;
  /** True when the value is a constant. */
  isConstant(value: string): boolean;
  /** Strides of each axis in floats, in the value's future storage. */
  strides(value: string): number[];
  /** True when this node is the last to read the value, so that it may be overwritten. Graph outputs never die. */
  diesHere(value: string): boolean;
  /** True when both values occupy some of the same memory. */
  overlap(a: string, b: string): boolean;
  /**
   * Stores `value` inside the storage of `host`, `floats` floats from its start. Refused (false) when `value` is
   * constant, a graph input or output that must keep its own storage, or already lives elsewhere.
   */
  alias(value: string, host: string, floats?: number): boolean;
}
