import type { Input } from '../fields.ts';

/** What coordinates are counted in: input pixels, or the input's width and height. */
export const boxUnits = ['pixels', 'fractions'] as const;
export type BoxUnit = (typeof boxUnits)[number];

/** Input pixels of one unit across and one down. */
export function pixelsOf(unit: BoxUnit, { width, height }: Input): [number, number] {
  return unit === 'pixels' ? [1, 1] : [width, height];
}
