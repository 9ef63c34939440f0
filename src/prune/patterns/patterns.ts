// All patterns: those with names that users write, and groups of a user's own.
//
//   unstructured   each weight by itself
//   groupR         R consecutive output channels at one position; channels beyond a multiple of R each by themselves
//   kernel         the kh × kw weights between an input and an output channel
//   N:M            each weight by itself, N kept of M consecutive inputs of an output channel, at each kernel position
//   inputsR        R consecutive inputs of an output channel, at one kernel position
//   Rx4            R output channels × four consecutive inputs, at one kernel position, as kernels for bytes read them: 1x4, 2x4, 4x4
//   channel        all weights of an output channel
import { FiligreeError } from '../../errors.ts';
import type { Layer } from '../layers.ts';
import type { Blocks, Pattern } from './pattern.ts';

/** The patterns that have names, for messages. */
export const patternNames =
  'unstructured, group2, group4, kernel, N:M (2:4, 1:16, …), inputs16, 1x4, 2x4, 4x4, channel';

/** Maximum M of N:M. */
const longestSet = 16;

/**
 * A pattern by its name: `unstructured`, `group2`, `group4`, `kernel`, `2:4` (any 1 ≤ N ≤ M ≤ 16), `inputs16`, `1x4`, `2x4`, `4x4`,
 * `channel`.
 * @throws FiligreeError `invalid-argument` for an unknown name
 */
export function patternNamed(name: string): Pattern {
  const ratio = /^(\d{1,2}):(\d{1,2})$/.exec(name);
  if (ratio) return ratioPattern(Number(ratio[1]), Number(ratio[2]));
  const block = /^([124])x4$/.exec(name);
  if (block) return blockPattern(Number(block[1]));
  switch (name) {
    case 'unstructured':
      return unstructured;
    case 'group2':
      return groupPattern(2);
    case 'group4':
      return groupPattern(4);
    case 'kernel':
      return { name, blocks: ({ rows, columns, shape: [, , kh, kw] }) => cut(rows * columns, (i) => div(i, kh * kw)) };
    case 'inputs16':
      return inputsPattern(16);
    case 'channel':
      return { name, blocks: ({ rows, columns }) => cut(rows * columns, (i) => div(i, columns)) };
  }
  throw new FiligreeError('invalid-argument', `unknown pattern "${name}"; patterns are ${patternNames}`);
}

/** Each weight is a block. */
export const unstructured = {
  name: 'unstructured',
  blocks: ({ rows, columns }: Pick<Layer, 'rows' | 'columns'>): Blocks => cut(rows * columns, (i) => i),
} satisfies Pattern;

/** Blocks of `size` rows. In convolutions with groups, only rows that read the same inputs form blocks. */
function groupPattern(size: number): Pattern {
  return {
    name: `group${size}`,
    blocks({ rows, columns, groups }) {
      const reach = rows / groups;
      if (reach < size) {
        return `${reach === 1 ? 'one output channel reads' : `${reach} output channels read`} the same inputs`;
      }
      const whole = reach - (reach % size);
      // blocks before a row, in units of `columns`
      const before = Int32Array.from({ length: rows }, (_, row) => {
        const [group, at] = [div(row, reach), row % reach];
        return group * (whole / size + reach - whole) + (at < whole ? div(at, size) : whole / size + at - whole);
      });
      return cut(rows * columns, (i) => before[div(i, columns)] * columns + (i % columns));
    },
  };
}

/**
 * Keeps `kept` of each `of` consecutive inputs. Inputs beyond a multiple of `of` form a set too, which also keeps `kept`, or
 * all if there are no more: as if it were filled up with zeros.
 */
function ratioPattern(kept: number, of: number): Pattern {
  const name = `${kept}:${of}`;
  if (!(kept >= 1 && kept <= of && of <= longestSet)) {
    throw new FiligreeError('invalid-argument', `pattern "${name}": N:M needs 1 ≤ N ≤ M ≤ ${longestSet}`);
  }
  return {
    name,
    sparsity: 1 - kept / of,
    blocks(layer) {
      if (layer.shape[1] < of) return `${inputsOf(layer)}, fewer than ${of}`;
      const { numbers, count } = stretches(layer, of);
      return { ...cut(numbers.length, (i) => i), sets: { setOf: numbers, count, kept } };
    },
  };
}

/** Blocks of `size` consecutive inputs; the last one of an output channel may be shorter. */
function inputsPattern(size: number): Pattern {
  return {
    name: `inputs${size}`,
    blocks(layer) {
      if (layer.shape[1] < size) return `${inputsOf(layer)}, fewer than ${size}`;
      const { numbers, count } = stretches(layer, size);
      return { blockOf: numbers, count };
    },
  };
}

/**
 * Blocks of `rows` output channels × four consecutive inputs. In convolutions with groups, only rows that read the same inputs
 * form blocks. Blocks at the end of the rows or inputs may be smaller: kernels fill them up with zeros.
 */
function blockPattern(rows: number): Pattern {
  return {
    name: `${rows}x4`,
    blocks(layer) {
      const [, inputs, kh, kw] = layer.shape;
      if (inputs < 4) return `${inputsOf(layer)}, fewer than 4`;
      const reach = layer.rows / layer.groups;
      if (reach < rows) return `${reach} output channel${reach === 1 ? ' reads' : 's read'} the same inputs`;
      const taps = kh * kw;
      const across = Math.ceil(inputs / 4) * taps;
      const down = Math.ceil(reach / rows);
      return cut(layer.rows * layer.columns, (i) => {
        const row = div(i, layer.columns);
        const input = div(i % layer.columns, taps);
        return (div(row, reach) * down + div(row % reach, rows)) * across + div(input, 4) * taps + (i % taps);
      });
    },
  };
}

/** The run of `size` inputs of each weight, within its output channel and kernel position. */
function stretches({ rows, columns, shape: [, inputs, kh, kw] }: Layer, size: number) {
  const taps = kh * kw;
  const perRow = Math.ceil(inputs / size) * taps;
  const numbers = new Int32Array(rows * columns);
  for (let row = 0, i = 0; row < rows; row++) {
    for (let input = 0; input < inputs; input++) {
      const first = row * perRow + div(input, size) * taps;
      for (let tap = 0; tap < taps; tap++) numbers[i++] = first + tap;
    }
  }
  return { numbers, count: rows * perRow };
}

/**
 * The block of each of a layer's weights, any integers; undefined for a layer that uses another pattern. Weights are
 * row-major, (O, I / groups, kh, kw).
 */
export type Grouping = (layer: Layer) => ArrayLike<number> | undefined;

/**
 * A user's own pattern: weights with the same number are kept or removed together (k-level structured pruning, WGSEF).
 * @param otherwise the pattern of layers without a grouping
 * @throws FiligreeError `invalid-argument`, when it meets a layer for which it has too many or too few numbers
 */
export function groupedBy(grouping: Grouping, otherwise: Pattern = unstructured, name = 'groups'): Pattern {
  return {
    name,
    blocks(layer) {
      const given = grouping(layer);
      if (given === undefined) return otherwise === unstructured ? 'no groups are given' : otherwise.blocks(layer);
      const wanted = layer.rows * layer.columns;
      if (given.length !== wanted) {
        const shape = layer.shape.join('×');
        throw new FiligreeError(
          'invalid-argument',
          `groups of layer "${layer.name}": wanted ${wanted} numbers (${shape}), got ${given.length}`,
        );
      }
      const numbers = new Map<number, number>();
      const blockOf = new Int32Array(wanted);
      for (let i = 0; i < wanted; i++) {
        const number = given[i];
        if (!Number.isSafeInteger(number)) {
          throw new FiligreeError(
            'invalid-argument',
            `groups of layer "${layer.name}": ${number} at ${i} is not an integer`,
          );
        }
        const known = numbers.get(number);
        blockOf[i] = known ?? numbers.size;
        if (known === undefined) numbers.set(number, numbers.size);
      }
      return { blockOf, count: numbers.size };
    },
  };
}

/** The blocks that `pattern` cuts a layer into. If it does not fit: single weights, and the reason. */
export function blocksOf(pattern: Pattern, layer: Layer): { blocks: Blocks; pattern: string; remark?: string } {
  const blocks = pattern.blocks(layer);
  if (typeof blocks !== 'string') return { blocks, pattern: pattern.name };
  const remark = `unstructured: ${pattern.name} does not fit, ${blocks}`;
  return { blocks: unstructured.blocks(layer), pattern: unstructured.name, remark };
}

function cut(weights: number, blockAt: (i: number) => number): Blocks {
  const blockOf = new Int32Array(weights);
  for (let i = 0; i < weights; i++) blockOf[i] = blockAt(i);
  // every pattern numbers its blocks without gaps, and the last weight is in the last one
  return { blockOf, count: weights === 0 ? 0 : blockOf[weights - 1] + 1 };
}

const div = (a: number, b: number) => Math.floor(a / b);

const inputsOf = ({ shape: [, inputs] }: Layer) => (inputs === 1 ? '1 input' : `${inputs} inputs`);
