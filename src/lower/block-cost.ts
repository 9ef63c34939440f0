// The cost of products of bytes in blocks (assembly/dots), in the units of cost.ts: vectors of four pixels × kept blocks of a row
// (`vector`, each four products), and groups of rows in each tile (`group`). The costs in cost-models/ fit the speeds of six layers in
// bench/README.md ("Products of bytes in quads").
import { blockCount } from '../program/constants.ts';
import type { Constant } from '../program/program.ts';
import { quadsOf } from '../program/quads.ts';
import { tiles } from '../program/tiles.ts';
import type { Group, Tile } from '../program/tiles.ts';
import type { ByteMatrix } from './blocks.ts';
import { fastest, predict } from './predict.ts';
import type { CostModel, OperationCounts } from './cost-model.ts';

/** The kernel for weights in blocks of this many rows. */
export const blockKernels = { 4: 'i8_dot_12x4', 2: 'i8_dot_24x2', 1: 'i8_dot_52x1' } as const satisfies Record<
  Group,
  string
>;

const tileOf: Record<Group, Tile> = { 4: tiles.dots['12x4'], 2: tiles.dots['24x2'], 1: tiles.dots['52x1'] };

/** Positions that a product reads in all images: pixels, or those of padded rows, in vectors. */
export const blockVectors = (n: { batch: number; height: number; width: number; rowPixels: number }) =>
  n.batch * Math.ceil(((n.height - 1) * n.rowPixels + n.width) / 4);

/** The work of a product of `vectors` vectors of four pixels, whose weights keep so many blocks. */
export function blocksWork(group: Group, rows: number, blocks: number, vectors: number): OperationCounts {
  const kernel = blockKernels[group];
  const filled = 4 * quadsOf(rows);
  return [
    { kernel, count: 'vector', times: vectors * blocks * group },
    { kernel, count: 'group', times: Math.ceil(vectors / tileOf[group].vectors) * (filled / group) },
    { kernel: 'memory', count: 'weight', times: blocks * (4 + 4 * group) },
  ];
}

/** The same of a step's weights. */
export function blocksStepWork(
  weights: Constant | undefined,
  step: Parameters<typeof blockVectors>[0],
): OperationCounts {
  if (weights?.form !== 'blocks') throw new Error('no weights');
  return blocksWork(weights.group as Group, weights.rows, blockCount(weights), blockVectors(step));
}

/** Blocks that a matrix keeps in groups of so many rows. */
export function keptBlocks({ rows, inputs, area, weights }: ByteMatrix, group: Group): number {
  const quads = quadsOf(inputs);
  const kept = new Uint8Array(Math.ceil(rows / group) * quads * area);
  let i = 0;
  for (let row = 0; row < rows; row++) {
    for (let input = 0; input < inputs; input++) {
      const first = (Math.floor(row / group) * quads + (input >> 2)) * area;
      for (let tap = 0; tap < area; tap++) if (weights[i++] !== 0) kept[first + tap] = 1;
    }
  }
  return kept.reduce((sum, one) => sum + one, 0);
}

/** The group of rows whose kernel is predicted to be fastest. Dense weights are in blocks of four rows. */
export function fastestGroup(matrix: ByteMatrix, vectors: number, model: CostModel): Group | 'dense' {
  const dense = denseBlocks(matrix);
  const blocks = { 4: keptBlocks(matrix, 4), 2: keptBlocks(matrix, 2), 1: keptBlocks(matrix, 1) };
  const candidates = ([4, 2, 1] as const).map((group) => ({
    name: String(group),
    ms: predict(blocksWork(group, matrix.rows, blocks[group], vectors), model),
    isDense: group === 4,
  }));
  const group = Number(fastest(candidates)) as Group;
  return group === 4 && blocks[4] === dense ? 'dense' : group;
}

/** All blocks of four rows, as dense weights have them. */
export const denseBlocks = ({ rows, inputs, area }: Omit<ByteMatrix, 'weights'>) =>
  quadsOf(rows) * quadsOf(inputs) * area;
