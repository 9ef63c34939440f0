import { isReal, type TensorDescription } from '../fields.ts';
import { normalization } from '../preprocessing.ts';
import type { Preset } from './preset.ts';

export const centernetPreprocessing: Preset['preprocessing'] = {
  resize: 'letterbox',
  padValue: 0,
  ...normalization([0.408 * 255, 0.447 * 255, 0.47 * 255], [0.289 * 255, 0.274 * 255, 0.278 * 255]),
  order: 'BGR',
};

export const centernet =
  (activation: 'none' | 'sigmoid'): Preset['fit'] =>
  (outputs, { channelsLast }) => {
    if (outputs.length !== 3 || outputs.some(({ shape, dtype }) => shape.length !== 4 || !isReal(dtype))) {
      return undefined;
    }
    const area = ({ shape }: TensorDescription) => (channelsLast ? shape.slice(1, 3) : shape.slice(2)).join();
    const channels = ({ shape }: TensorDescription) => shape[channelsLast ? 3 : 1];
    if (outputs.some((output) => output.shape[0] !== 1 || area(output) !== area(outputs[0]))) return undefined;
    const heatmap =
      outputs.find(({ name }) => /heat|^hm/i.test(name)) ?? outputs.find((output) => channels(output) !== 2);
    const pairs = outputs.filter((output) => output !== heatmap);
    if (!heatmap || pairs.some((output) => channels(output) !== 2)) return undefined;
    const size = pairs.find(({ name }) => /wh|size/i.test(name)) ?? pairs[0]; // the makers' order: heatmap, size, offset
    const offset = pairs.find((output) => output !== size)!;
    return {
      head: {
        type: 'centernet',
        heatmap: heatmap.name,
        size: size.name,
        offset: offset.name,
        channelsFirst: !channelsLast,
        activation,
        sizeUnit: 'cells',
      },
      classes: channels(heatmap),
    };
  };
