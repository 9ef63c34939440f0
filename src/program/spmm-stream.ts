// The stream that sparse weights of kernels over planes are expanded to: how long it is, and where it may be divided among
// threads. assembly/spmm/index.ts draws it, assembly/expand/sections.ts writes it.
import type { Constant } from './program.ts';

export type SparseWeights = Extract<Constant, { form: 'spmm' }>;

/** An entry holds its bytes in 16 bits, at most five words a position; and its row in 16 bits. */
export const largestBlock = 3276;
export const mostRows = 65536;

/** Rows are sorted by length within each of at most this many segments, which threads may share out. */
const mostSegments = 16;

/** Bytes before the entries of a section. */
const sectionBytes = 8;

/** Rows of a group: the last `rows % group` rows are groups of one. */
const sizeOf = ({ rows, group }: SparseWeights, index: number): number =>
  index < Math.floor(rows / group) ? group : 1;

const blocksOf = ({ columns, block }: SparseWeights): number => Math.ceil(columns / block);

/** Columns of a block: all blocks are about equally wide. */
export const blockWidth = (weights: SparseWeights): number => Math.ceil(weights.columns / blocksOf(weights));

/** Bytes of the first `groups` groups, without the heads of sections; `overhead`: positions that a group's start counts as. */
function entryBytes(weights: SparseWeights, groups: number, overhead = blocksOf(weights)): number {
  let bytes = 0;
  for (let i = 0; i < groups; i++) bytes += (overhead + weights.counts[i]) * (4 + 4 * sizeOf(weights, i));
  return bytes;
}

/** Upper bound of the stream's bytes, for any number of segments. */
export function streamBytes(weights: SparseWeights): number {
  return entryBytes(weights, weights.counts.length) + sectionBytes * blocksOf(weights) * (mostSegments + 1);
}

/** Bytes of all segments that end at row `end` or before it. */
export function bytesBefore(weights: SparseWeights, segments: readonly number[], end: number): number {
  const { rows, group } = weights;
  const groups = end === rows ? weights.counts.length : end / group;
  const heads = segments.filter((row) => row <= end).length;
  return entryBytes(weights, groups) + sectionBytes * blocksOf(weights) * heads;
}

/** Ends of runs of about equal sums; `sums[i]` is the sum of everything before i. No run is empty. */
export function cutEvenly(sums: readonly number[], parts: number): number[] {
  const last = sums.length - 1;
  const ends: number[] = [];
  for (let part = 1, end = 0; part <= parts; part++) {
    const wanted = (sums[last] * part) / parts;
    while (end < last && sums[end + 1] - wanted <= wanted - sums[end]) end++;
    if (part === parts) end = last;
    if (end > (ends.at(-1) ?? 0)) ends.push(end);
  }
  return ends;
}

/** The rows at which segments of about equal work end, one for each of `parts` threads; the last is the number of rows. */
export function segmentsOf(weights: SparseWeights, parts: number): number[] {
  const { rows, group, counts } = weights;
  if (parts < 2) return [rows];
  const full = Math.floor(rows / group);
  // the work of a group: its weights, and what its start costs; single rows are one unit together
  const sums = [0];
  for (let i = 0; i < counts.length; i++) {
    const work = (sums.at(-1) ?? 0) + (2 + counts[i]) * (1 + sizeOf(weights, i));
    if (i <= full) sums.push(work);
    else sums[full + 1] = work;
  }
  return cutEvenly(sums, Math.min(parts, mostSegments)).map((end) => Math.min(rows, end * group));
}
