// Einsum of one or two tensors: transposes, and a product of matrices whose axes are groups of letters.
import type { ImportedOperator } from '../../imported-operator.ts';
import { elementCount } from '../../../tensor.ts';
import type { Handler, Operation } from '../operation.ts';
import { multiply } from './convolution.ts';

/** A tensor and the letter of each of its axes. */
interface Term {
  value: string;
  letters: readonly string[];
}

/** `bhid,bhjd->bhij`; without an arrow the result has the letters that occur once, in the order of the alphabet. */
function parse(operation: Operation): { terms: string[][]; result: string[] } {
  const equation = operation.string('equation', '').replaceAll(' ', '');
  const [left, right] = equation.split('->');
  const terms = left.split(',').map((term) => [...term]);
  const all = terms.flat();
  const once = [...new Set(all)].filter((letter) => all.indexOf(letter) === all.lastIndexOf(letter)).sort();
  const result = right === undefined ? once : [...right];
  const isPlain = [...terms, result].every((letters) => new Set(letters).size === letters.length);
  if (equation.includes('.') || !isPlain)
    operation.unsupported(`equation "${equation}": dots, or a letter twice in a term`);
  if (terms.length > 2) operation.unsupported(`equation "${equation}" of ${terms.length} tensors`);
  if (terms.length !== operation.inputCount || result.some((letter) => !all.includes(letter))) {
    operation.fail(`equation "${equation}" for ${operation.inputCount} tensors`);
  }
  return { terms, result };
}

function permuted(operation: Operation, { value, letters }: Term, wanted: readonly string[]): Term {
  const permutation = wanted.map((letter) => letters.indexOf(letter));
  const isSame = permutation.every((axis, i) => axis === i);
  return { value: isSame ? value : operation.emit('transpose', { permutation }, [value]), letters: wanted };
}

/** The term without axes that nothing else has, which are summed. */
function summed(operation: Operation, { value, letters }: Term, kept: readonly string[]): Term {
  const axes = letters.flatMap((letter, axis) => (kept.includes(letter) ? [] : [axis]));
  if (axes.length === 0) return { value, letters };
  return {
    value: operation.emit('reduce', { fn: 'sum', axes, keepDims: false }, [value]),
    letters: letters.filter((letter) => kept.includes(letter)),
  };
}

const einsum: Handler = (operation) => {
  const { terms: letters, result } = parse(operation);
  const sizes = new Map<string, number>();
  const terms = letters.map((term, i): Term => {
    const shape = operation.shape(i);
    if (shape.length !== term.length) operation.fail(`input ${i} of shape [${shape}] for the letters ${term.join('')}`);
    term.forEach((letter, axis) => {
      const size = sizes.get(letter) ?? shape[axis];
      if (size !== shape[axis]) operation.fail(`letter ${letter} stands for ${size} and for ${shape[axis]} elements`);
      sizes.set(letter, size);
    });
    return { value: operation.value(i), letters: term };
  });
  const size = (of: readonly string[]) => elementCount(of.map((letter) => sizes.get(letter)!));
  if (terms.length === 1) {
    return operation.result(permuted(operation, summed(operation, terms[0], result), result).value);
  }
  const [a, b] = terms.map((term, i) => summed(operation, term, [...result, ...terms[1 - i].letters]));
  const shared = a.letters.filter((letter) => b.letters.includes(letter));
  const batch = shared.filter((letter) => result.includes(letter));
  const inner = shared.filter((letter) => !result.includes(letter));
  const rows = a.letters.filter((letter) => !shared.includes(letter));
  const columns = b.letters.filter((letter) => !shared.includes(letter));
  const matrices = [
    operation.reshape(permuted(operation, a, [...batch, ...rows, ...inner]).value, [
      size(batch),
      size(rows),
      size(inner),
    ]),
    operation.reshape(permuted(operation, b, [...batch, ...inner, ...columns]).value, [
      size(batch),
      size(inner),
      size(columns),
    ]),
  ];
  const made = [...batch, ...rows, ...columns];
  const product = operation.reshape(
    multiply(operation, matrices[0], matrices[1]),
    made.map((letter) => sizes.get(letter)!),
  );
  operation.result(permuted(operation, { value: product, letters: made }, result).value);
};

export const sums: Record<string, ImportedOperator<Operation>> = {
  Einsum: {
    becomes: ['matmul', 'transpose', 'reduce', 'reshape'],
    limits: 'One or two tensors. No dots, no letter twice in a term.',
    translate: einsum,
  },
};
