/** The least and the greatest number that a value is expected to hold; what lies beyond is clamped. */
export interface Range {
  min: number;
  max: number;
}

/** By the name of the value in the optimised graph, as calibrate.ts finds them. */
export type Ranges = Readonly<Record<string, Range>>;
