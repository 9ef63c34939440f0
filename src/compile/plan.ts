/** A piece of memory that is needed from step `first` to step `last`, inclusive. */
export interface Allocation {
  bytes: number;
  first: number;
  last: number;
}

const alignment = 64;

/**
 * Offsets at which pieces needed at the same time do not overlap. Places the largest first, each at the lowest offset that
 * is free for its lifetime ("greedy by size", Pisarchyk and Lee, arXiv:2001.03288).
 */
export function planMemory(pieces: readonly Allocation[]): { offsets: number[]; bytes: number } {
  const offsets: number[] = Array.from({ length: pieces.length }, () => 0);
  const order = pieces.map((_, i) => i).sort((a, b) => pieces[b].bytes - pieces[a].bytes || a - b);
  const placed: number[] = []; // by offset
  let bytes = 0;
  for (const i of order) {
    const { first, last } = pieces[i];
    const size = Math.ceil(pieces[i].bytes / alignment) * alignment;
    let offset = 0;
    for (const j of placed) {
      if (pieces[j].last < first || last < pieces[j].first) continue;
      if (offset + size <= offsets[j]) break;
      offset = Math.max(offset, offsets[j] + Math.ceil(pieces[j].bytes / alignment) * alignment);
    }
    offsets[i] = offset;
    bytes = Math.max(bytes, offset + size);
    let at = placed.length;
    while (at > 0 && offsets[placed[at - 1]] > offset) at--;
    placed.splice(at, 0, i);
  }
  return { offsets, bytes };
}
