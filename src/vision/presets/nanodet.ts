import { isReal, type Input, type TensorDescription } from '../fields.ts';
import { gridLevels } from '../grid.ts';
import type { Fit, Preset } from './preset.ts';
import { table } from './preset.ts';

const nanodetBins = 8;

const nanodetHead = { type: 'gfl', channelsFirst: false, bins: nanodetBins, activation: 'none' } as const;

export const nanodet: Preset['fit'] = (outputs, input) => {
  const found = table(outputs, input, 4 * nanodetBins, false);
  if (!found) return classesAndDistances(outputs, input, [8, 16, 32]);
  const { name, width, strides } = found;
  const centre = strides.length === 4 ? 0 : 0.5; // NanoDet-Plus has four levels and measures from the cells' corners
  return {
    head: { ...nanodetHead, outputs: [name], distances: 'after', strides, centre },
    classes: width - 4 * nanodetBins,
  };
};

export const picodet: Preset['fit'] = (outputs, input) => classesAndDistances(outputs, input, [8, 16, 32, 64]);

/** Two outputs a level: scores [1, cells, classes] and distances [1, cells, 32], each in the order of levels. */
function classesAndDistances(
  outputs: readonly TensorDescription[],
  input: Input,
  strides: readonly number[],
): Fit | undefined {
  const levels = gridLevels(input, strides);
  if (outputs.length !== 2 * levels.length) return undefined;
  const [scores, distances]: [string[], string[]] = [[], []];
  let classes: number | undefined;
  for (const level of levels) {
    const cells = level.rows * level.columns;
    const both = outputs.filter(({ shape, dtype }) => {
      const rows = shape.length === 2 || (shape.length === 3 && shape[0] === 1);
      return rows && shape.at(-2) === cells && isReal(dtype);
    });
    if (both.length !== 2) return undefined;
    const at = both.findLastIndex(({ shape }) => shape.at(-1) === 4 * nanodetBins); // the makers' order: scores first
    if (at < 0) return undefined;
    const { name, shape } = both[1 - at];
    classes ??= shape.at(-1);
    if (shape.at(-1) !== classes) return undefined;
    scores.push(name);
    distances.push(both[at].name);
  }
  return { head: { ...nanodetHead, outputs: scores, distances, strides, centre: 0.5 }, classes: classes! };
}
