// Mutations of protobuf messages that keep their lengths right: fields change, go, double, swap and come from elsewhere.
import { boundaries, mutateBytes, otherInteger } from './bytes.ts';
import type { Mutator } from './bytes.ts';
import type { Random } from './random.ts';

interface Field {
  number: number;
  wire: number;
  /** Of a varint or a fixed number. */
  value?: bigint;
  bytes?: Uint8Array;
  /** Fields of the message that the bytes are, or seem to be. */
  message?: Field[];
}

const maxDepth = 12;

export function parseMessage(bytes: Uint8Array, depth = 0): Field[] | undefined {
  const fields: Field[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = (): bigint | undefined => {
    let value = 0n;
    for (let shift = 0n; shift < 70n && at < bytes.length; shift += 7n) {
      const byte = bytes[at++];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
    return undefined;
  };
  while (at < bytes.length) {
    const key = varint();
    if (key === undefined || key >> 3n === 0n || key > 2n ** 20n) return undefined;
    const field: Field = { number: Number(key >> 3n), wire: Number(key & 7n) };
    const width = field.wire === 1 ? 8 : 4;
    if (field.wire === 0) {
      field.value = varint();
      if (field.value === undefined) return undefined;
    } else if (field.wire === 1 || field.wire === 5) {
      if (at + width > bytes.length) return undefined;
      field.value = width === 8 ? view.getBigUint64(at, true) : BigInt(view.getUint32(at, true));
      at += width;
    } else if (field.wire === 2) {
      const length = Number(varint() ?? 2n ** 40n);
      if (at + length > bytes.length) return undefined;
      field.bytes = bytes.subarray(at, at + length);
      at += length;
      // a name is taken for a message now and then; both are mutated
      if (length > 1 && length < 2 ** 16 && depth < maxDepth) field.message = parseMessage(field.bytes, depth + 1);
    } else return undefined;
    fields.push(field);
  }
  return fields;
}

function writeVarint(value: bigint, out: number[]): void {
  let rest = BigInt.asUintN(64, value);
  while (rest > 127n) {
    out.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  out.push(Number(rest));
}

export function writeMessage(fields: readonly Field[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const { number, wire, value, bytes, message } of fields) {
    const head: number[] = [];
    writeVarint(BigInt(number * 8 + wire), head);
    if (wire === 0) writeVarint(value!, head);
    else if (wire !== 2) {
      for (let i = 0n; i < (wire === 1 ? 8n : 4n); i++) head.push(Number((value! >> (8n * i)) & 255n));
    }
    const body = message ? writeMessage(message) : bytes;
    if (wire === 2) writeVarint(BigInt(body!.length), head);
    parts.push(Uint8Array.from(head));
    if (wire === 2) parts.push(body!);
  }
  const result = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

interface FieldPosition {
  list: Field[];
  index: number;
}

function placesOf(list: Field[], into: FieldPosition[] = []): FieldPosition[] {
  list.forEach((field, index) => {
    into.push({ list, index });
    if (field.message) placesOf(field.message, into);
  });
  return into;
}

export function mutateProtobuf(tokens: readonly string[] = []): Mutator {
  const plain = mutateBytes(tokens);
  return (input, random, other) => {
    const fields = parseMessage(input);
    if (!fields?.length) return plain(input, random, other);
    const places = placesOf(fields);
    for (let i = 1 + random.below(3); i > 0; i--) change(random.pick(places), places, random, other, tokens, plain);
    return writeMessage(fields);
  };
}

function change(
  { list, index }: FieldPosition,
  places: readonly FieldPosition[],
  random: Random,
  other: () => Uint8Array,
  tokens: readonly string[],
  plain: Mutator,
): void {
  if (index >= list.length) return; // gone already
  const field = list[index];
  const alike = () => {
    const same = places.filter((p) => p.index < p.list.length && p.list[p.index].number === field.number);
    return same.length ? random.pick(same) : { list, index };
  };
  switch (random.below(8)) {
    case 0:
      list.splice(index, 1);
      return;
    case 1: {
      const times = random.oneIn(20) ? 200 : 1;
      for (let i = 0; i < times; i++) list.splice(index, 0, structuredClone(field));
      return;
    }
    case 2: {
      const { list: from, index: at } = alike();
      // one may hold the other
      [list[index], from[at]] = [structuredClone(from[at]), structuredClone(list[index])];
      return;
    }
    case 3: {
      const elsewhere = parseMessage(other());
      if (!elsewhere) return;
      const same = placesOf(elsewhere).filter((p) => p.list[p.index].number === field.number);
      if (same.length) {
        const { list: from, index: at } = random.pick(same);
        list.splice(index, random.below(2), from[at]);
      }
      return;
    }
    case 4: {
      // the content of another field of that number, so that names refer elsewhere
      const { list: from, index: at } = alike();
      list[index] = structuredClone(from[at]);
      return;
    }
    default:
      if (field.wire === 2) {
        const isText = field.bytes!.length < 64 && field.bytes!.every((b) => b >= 32 && b < 127);
        if (isText && tokens.length && random.oneIn(2)) field.bytes = new TextEncoder().encode(random.pick(tokens));
        else if (random.oneIn(3)) {
          const packed: number[] = [];
          for (let i = random.below(6); i >= 0; i--) writeVarint(BigInt(random.pick(boundaries)), packed);
          field.bytes = Uint8Array.from(packed);
        } else field.bytes = plain(field.bytes!, random, other);
        field.message = undefined;
      } else {
        const old = Number(BigInt.asIntN(64, field.value!));
        field.value = BigInt.asUintN(64, BigInt(Math.trunc(otherInteger(old, random))));
      }
  }
}
