/** The smallest and the largest number that a value is expected to hold. Numbers outside are clamped. */
export interface Range {
  min: number;
  max: number;
}

/** Ranges from calibrate.ts, by the name of the value in the optimised graph. */
export type Ranges = Readonly<Record<string, Range>>;
