// Random weights with zeros as pruning leaves them.
import type { GraphBuilder } from '../graphs.ts';
import type { Dice } from './dice.ts';

/**
 * A constant of random weights, a share of them 0: each by itself, in groups of 2 or 4 output channels, in runs of 16 inputs,
 * whole rows, or all but a few of every few. Some are halves exactly, as files store them.
 */
export function weights(b: GraphBuilder, shape: number[], dice: Dice): string {
  const name = b.constant(shape);
  const data = b.graph.values.get(name)!.data as Float32Array;
  if (dice.oneIn(4)) for (let i = 0; i < data.length; i++) data[i] = Math.round(256 * data[i]) / 256;
  const zeros = dice.one([0, 0, 0.3, 0.5, 0.7, 0.9, 0.97, 1]);
  const columns = data.length / shape[0];
  if (columns > 256 && dice.oneIn(3)) {
    // gaps as long as a byte's, one less, one more, and two of them
    const kept = new Set<number>(dice.one([[255, 511], [254, 510, 511], [256, 512], [510], [0, 511]]));
    data.forEach((_, i) => kept.has(i % columns) || (data[i] = 0));
    return name;
  }
  const [rows, run] = dice.one([
    [1, 1],
    [2, 1],
    [4, 1],
    [1, 16],
    [1, columns],
    [4, shape[2] ? shape[2] * shape[3] : 1],
  ]);
  for (let row = 0; row < shape[0]; row += rows) {
    for (let column = 0; column < columns; column += run) {
      if (dice.below(1000) >= 1000 * zeros) continue;
      for (let i = row; i < Math.min(row + rows, shape[0]); i++) {
        data.fill(0, i * columns + column, i * columns + Math.min(column + run, columns));
      }
    }
  }
  return name;
}
