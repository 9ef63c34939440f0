// Mutations of JSON and of safetensors files, whose header is JSON that may hold JSON in its strings.
import { boundaries, mutateBytes, otherInteger } from './bytes.ts';
import type { Mutator } from './bytes.ts';
import type { Random } from './random.ts';

// oxlint-disable-next-line typescript/no-explicit-any
type Json = any;
type Path = (string | number)[];

/** Stands for a list in a list in a list …, so deep that no function can walk it by calling itself. */
const deep = 'a deep list';

function toText(json: Json): string {
  return JSON.stringify(json).replace(`"${deep}"`, '['.repeat(20_000) + ']'.repeat(20_000));
}

const strange: Json[] = [
  deep,
  { toString: 1 },
  null,
  true,
  false,
  '',
  'x',
  '__proto__',
  'inf',
  '-inf',
  [],
  {},
  [[]],
  -1,
  0.5,
  1e300,
  -0,
];

function* placesOf(value: Json, path: Path = []): Generator<Path> {
  if (path.length) yield path;
  if (typeof value !== 'object' || value === null || path.length > 60) return;
  for (const key of Object.keys(value)) yield* placesOf(value[key], [...path, key]);
}

const at = (json: Json, path: Path) => path.reduce((value, key) => value?.[key], json);

/** Changes a JSON value in place, anywhere within. */
export function changeJson(json: Json, random: Random, tokens: readonly string[] = []): void {
  const places = [...placesOf(json)];
  if (!places.length) return;
  for (let i = 1 + random.below(3); i > 0; i--) {
    const path = random.pick(places);
    const parent = at(json, path.slice(0, -1));
    const key = path.at(-1)!;
    if (typeof parent !== 'object' || parent === null || !(key in parent)) continue;
    const old = parent[key];
    switch (random.below(9)) {
      case 0:
        if (Array.isArray(parent)) parent.splice(Number(key), 1);
        else delete parent[key];
        break;
      case 1:
        if (Array.isArray(parent)) {
          const times = random.oneIn(20) ? 300 : 1;
          for (let n = 0; n < times; n++) parent.splice(Number(key), 0, structuredClone(old));
        } else parent[`${key}2`] = structuredClone(old);
        break;
      case 2:
        parent[key] = structuredClone(random.pick(strange));
        break;
      case 3: {
        // the value of the same key elsewhere, else anything
        const same = places.filter((p) => p.at(-1) === key);
        parent[key] = structuredClone(at(json, random.pick(random.oneIn(4) ? places : same)) ?? 0);
        break;
      }
      case 4:
        if (Array.isArray(parent)) {
          const to = random.below(parent.length);
          [parent[Number(key)], parent[to]] = [parent[to], parent[Number(key)]];
        } else if (tokens.length) parent[key] = random.pick(tokens);
        break;
      default:
        if (typeof old === 'number') parent[key] = otherInteger(old, random);
        else if (typeof old === 'string' && tokens.length) parent[key] = random.pick(tokens);
        else if (Array.isArray(old) && random.oneIn(2)) old.push(random.pick(boundaries));
    }
  }
}

const plainText = mutateBytes(['{', '}', '[', ']', '"', ':', ',', '1e999', '-0', '\\ud800', 'null', '__proto__', '\\']);

export function mutateJson(tokens: readonly string[] = []): Mutator {
  return (input, random, other) => {
    if (random.oneIn(3)) return plainText(input, random, other);
    let json: Json;
    try {
      json = JSON.parse(new TextDecoder().decode(input));
    } catch {
      return plainText(input, random, other);
    }
    if (random.oneIn(100)) return new TextEncoder().encode('['.repeat(30_000));
    try {
      changeJson(json, random, tokens);
      return new TextEncoder().encode(toText(json));
    } catch {
      return plainText(input, random, other); // too deep already
    }
  };
}

/**
 * Changes the header of a safetensors file, in `__metadata__` the JSON that `inner` names, or the data.
 * The header stays as long as it says.
 */
export function mutateSafetensors(inner: string, tokens: readonly string[] = []): Mutator {
  const plain = mutateBytes();
  return (input, random, other) => {
    const start = input.length < 8 ? 0 : 8 + Number(new DataView(input.buffer, input.byteOffset).getBigUint64(0, true));
    if (random.oneIn(8) || start < 8 || start > input.length) return plain(input, random, other);
    let header: Json;
    let program: Json;
    try {
      header = JSON.parse(new TextDecoder().decode(input.subarray(8, start)));
      program = JSON.parse(header.__metadata__[inner]);
    } catch {
      if (!header) return plain(input, random, other);
    }
    let data = input.subarray(start);
    let text: Uint8Array;
    try {
      const where = random.below(8);
      if (where < 2) data = plain(data, random, other);
      else if (where < 3 || !program) changeJson(header, random, tokens);
      else {
        changeJson(program, random, tokens);
        header.__metadata__[inner] = toText(program);
      }
      text = new TextEncoder().encode(toText(header));
    } catch {
      return plain(input, random, other); // too deep already
    }
    const begin = Math.ceil((8 + text.length) / 64) * 64;
    const bytes = new Uint8Array(begin + data.length).fill(0x20, 8, begin);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(begin - 8), true);
    bytes.set(text, 8);
    bytes.set(data, begin);
    return bytes;
  };
}
