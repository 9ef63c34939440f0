// Small detectors that people run on small devices.
import { isReal, type TensorDescription } from '../fields.ts';
import { gridLevels } from '../grid.ts';
import type { Preset } from './preset.ts';

export const fastestDet: Preset['fit'] = (outputs, input, { tails }) => {
  if (outputs.length !== 1 || input.channelsLast) return undefined;
  const [{ name, shape, dtype }] = outputs;
  const stride = 16;
  const [{ rows, columns }] = gridLevels(input, [stride]);
  const [batch, width, height, breadth] = shape;
  if (shape.length !== 4 || batch !== 1 || height !== rows || breadth !== columns || width < 6 || !isReal(dtype)) {
    return undefined;
  }
  const seams = tails?.get(name)?.seams[1];
  const joined = seams !== undefined && seams.includes(1) && seams.includes(5);
  if (seams && !joined) return undefined;
  return { head: { type: 'fastestdet', output: name, stride }, classes: width - 5, sure: joined };
};

/** Those it is published with, for COCO at 352². */
const fastestAnchors = [
  [12.64, 19.39, 37.88, 51.48, 55.71, 138.31],
  [126.91, 78.23, 131.57, 214.55, 279.92, 258.87],
];

export const yoloFastest: Preset['fit'] = (outputs, input) => {
  const strides = [16, 32];
  const grid = gridLevels(input, strides);
  const cells = grid.reduce((sum, { rows, columns }) => sum + rows * columns, 0);
  const found = (names: string[], width: number) =>
    width > 15
      ? {
          head: { type: 'yolo-fastest', outputs: names, strides, anchors: fastestAnchors } as const,
          classes: width - 15,
        }
      : undefined;
  if (outputs.length === 1) {
    const [{ name, shape, dtype }] = outputs;
    const fits =
      (shape.length === 2 || (shape.length === 3 && shape[0] === 1)) && shape.at(-2) === cells && isReal(dtype);
    return fits ? found([name], shape.at(-1)!) : undefined;
  }
  if (outputs.length !== strides.length) return undefined;
  const levels = grid.map(({ rows, columns }) =>
    outputs.find(({ shape }) => shape.length === 4 && shape[0] === 1 && shape[1] === rows && shape[2] === columns),
  );
  const [first, second] = levels;
  if (!first || !second || first.shape[3] !== second.shape[3] || !levels.every((level) => isReal(level!.dtype)))
    return undefined;
  return found([first.name, second.name], first.shape[3]);
};

/** Other networks give maps of classes too, so somebody has to say that it is one. */
export const fomo: Preset['fit'] = (outputs, { width, height, channelsLast }, { tails }) => {
  if (outputs.length !== 1) return undefined;
  const [{ name, shape, dtype }] = outputs;
  const [batch, ...map] = shape;
  const [rows, columns, classes] = channelsLast ? map : [map[1], map[2], map[0]];
  if (shape.length !== 4 || batch !== 1 || !isReal(dtype) || classes < 2 || classes > 256) return undefined;
  const cut = width / columns;
  if (![8, 16].includes(cut) || height / rows !== cut) return undefined;
  if (tails && !tails.get(name)?.operators.has('softmax')) return undefined;
  return { head: { type: 'fomo', output: name, channelsFirst: !channelsLast }, classes: classes - 1 };
};

/** One person, or up to six. */
export const movenet: Preset['fit'] = (outputs) => {
  if (outputs.length !== 1) return undefined;
  const [{ name, shape }]: readonly TensorDescription[] = outputs;
  const one = shape.join() === '1,1,17,3';
  if (!one && !(shape.length === 3 && shape[0] === 1 && shape[1] <= 16 && shape[2] === 56)) return undefined;
  return { head: { type: 'movenet', output: name }, classes: 1, labels: ['person'], sure: true };
};
