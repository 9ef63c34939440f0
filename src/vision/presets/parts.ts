import type { TensorDescription } from '../fields.ts';
import type { Clues, ImageInput } from './preset.ts';

/** Where the numbers of an anchor are computed apart; none where the graph is not known. See OutputTail. */
export function seamsOf(
  { name, channelsFirst }: { readonly name: string; readonly channelsFirst: boolean },
  { tails }: Clues,
): readonly number[] {
  return tails?.get(name)?.seams.at(channelsFirst ? -2 : -1) ?? [];
}

/** An output of mask prototypes, at a quarter of the input's size. */
export function prototypesOf(outputs: readonly TensorDescription[], { width, height, channelsLast }: ImageInput) {
  for (const { name, shape } of outputs) {
    if (shape.length !== 4 || shape[0] !== 1) continue;
    for (const channelsFirst of [!channelsLast, channelsLast]) {
      const [rows, columns, count] = channelsFirst ? [shape[2], shape[3], shape[1]] : [shape[1], shape[2], shape[3]];
      // 32, but for people who train with another number
      if (rows === height / 4 && columns === width / 4 && count >= 8 && count <= 64)
        return { name, channelsFirst, count };
    }
  }
  return undefined;
}
