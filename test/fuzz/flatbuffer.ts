// Mutations of FlatBuffers without their schema: guesses offsets, lengths and numbers, starting at the root.
import { mutateBytes, otherInteger, readInteger, writeInteger } from './bytes.ts';
import type { Mutator } from './bytes.ts';

interface Site {
  at: number;
  width: number;
  kind: 'offset' | 'length' | 'number' | 'vtable';
}

const maxSites = 20_000;

interface Walk {
  sites: Site[];
  /** Starts of tables and vectors, to which an offset may be redirected. */
  targets: number[];
}

/** Everything that can be reached from the root, or seems to be. */
function walk(bytes: Uint8Array): Walk {
  const sites: Site[] = [];
  const targets: number[] = [];
  const seen = new Set<number>();
  const u16 = (at: number) => readInteger(bytes, at, 2);
  const u32 = (at: number) => readInteger(bytes, at, 4);
  const isTable = (at: number): boolean => {
    if (at < 4 || at + 4 > bytes.length) return false;
    const vtable = at - (u32(at) | 0);
    if (vtable < 4 || vtable + 4 > bytes.length) return false;
    const size = u16(vtable);
    return size >= 4 && size % 2 === 0 && size < 512 && vtable + size <= bytes.length && u16(vtable + 2) < 1024;
  };
  const waiting: number[] = [];
  const follow = (at: number): void => {
    sites.push({ at, width: 4, kind: 'offset' });
    waiting.push(at + u32(at));
  };
  if (bytes.length >= 8) follow(0);
  while (waiting.length && sites.length < maxSites) {
    const at = waiting.pop()!;
    if (seen.has(at) || at < 0 || at + 4 > bytes.length) continue;
    seen.add(at);
    targets.push(at);
    if (isTable(at)) {
      const vtable = at - (u32(at) | 0);
      sites.push({ at, width: 4, kind: 'number' });
      for (let entry = vtable; entry < vtable + u16(vtable); entry += 2) {
        sites.push({ at: entry, width: 2, kind: 'vtable' });
        const field = at + u16(entry);
        if (entry < vtable + 4 || field === at || field + 4 > bytes.length) continue;
        const to = field + u32(field);
        if (u32(field) > 0 && to + 4 <= bytes.length && (isTable(to) || u32(to) <= bytes.length - to)) follow(field);
        else for (const width of [1, 4]) sites.push({ at: field, width, kind: 'number' });
      }
      continue;
    }
    const length = u32(at);
    sites.push({ at, width: 4, kind: 'length' });
    const first = at + 4;
    const leads = length > 0 && first + 4 * length <= bytes.length && isTable(first + u32(first));
    for (let i = 0; i < Math.min(length, 512); i++) {
      const item = first + 4 * i;
      if (leads) follow(item);
      else if (item + 4 <= Math.min(bytes.length, first + 4 * length))
        sites.push({ at: item, width: 4, kind: 'number' });
    }
  }
  return { sites, targets };
}

const plain = mutateBytes(['TFL3', 'TFLITE_METADATA', 'M001', 'PK\x01\x02', 'PK\x05\x06']);

export const mutateFlatbuffer: Mutator = (input, random, other) => {
  if (random.oneIn(4)) return plain(input, random, other);
  const { sites, targets } = walk(input);
  if (!sites.length) return plain(input, random, other);
  const bytes = input.slice();
  for (let i = 1 + random.below(3); i > 0; i--) {
    const { at, width, kind } = random.pick(sites);
    if (at + width > bytes.length) continue;
    const old = readInteger(bytes, at, width);
    if (kind === 'offset' && !random.oneIn(4)) writeInteger(bytes, at, 4, random.pick(targets) - at);
    else if (kind === 'vtable' && random.oneIn(2))
      writeInteger(bytes, at, 2, random.oneIn(2) ? 0 : 4 * random.below(12));
    else if (kind === 'number' && random.oneIn(3)) {
      // a number as another place has it
      const from = random.pick(sites);
      if (from.at + width <= bytes.length) bytes.copyWithin(at, from.at, from.at + width);
    } else writeInteger(bytes, at, width, otherInteger(old, random));
  }
  return bytes;
};
