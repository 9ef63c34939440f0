/** Integers whose values are known. */
export interface Integers {
  shape: readonly number[];
  numbers: number[];
}
