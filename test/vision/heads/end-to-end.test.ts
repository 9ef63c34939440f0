import { expect, it } from 'vitest';
import { Tensor } from '../../../src/tensor.ts';
import { type Box, decode, decoderFor, difference } from './outputs.ts';

const input = { width: 640, height: 320 };

/** Boxes in pixels with scores, in order, and class indices; two of them overlap. */
const rows = [
  [10, 20, 110, 220, 0.9, 3],
  [12, 22, 112, 222, 0.5, 3],
  [0, 0, 5, 5, 0.25, 0],
  [0, 0, 0, 0, 0.1, 7],
];

const output = (width: number, height: number) => {
  const scaled = rows.map(([x0, y0, x1, y1, ...rest]) => [x0 / width, y0 / height, x1 / width, y1 / height, ...rest]);
  return { output0: new Tensor('float32', [1, 4, 6], scaled.flat()) };
};

it.each(['pixels', 'fractions'] as const)('gives the rows that reach the threshold, boxes in %s', (boxes) => {
  const head = { type: 'end-to-end', output: 'output0', boxes } as const;
  const tensors = boxes === 'pixels' ? output(1, 1) : output(640, 320);
  const wanted = rows.slice(0, 3).map((row): Box => ({ box: row.slice(0, 4), score: row[4], classIndex: row[5] }));
  // float32 fractions of numbers that float32 holds
  expect(difference(decode(head, input, tensors, 0.25), wanted)).toBeLessThan(1e-6);
  expect(difference(decode(head, input, tensors, 0.25, true), wanted)).toBeLessThan(1e-6);
  expect(decoderFor(head, input, tensors)).toMatchObject({ classes: undefined, suppression: 'none' });
});

it('finds nothing in NaN', () => {
  const nothing = new Tensor('float32', [1, 4, 6], new Float32Array(24).fill(NaN));
  expect(decode({ type: 'end-to-end', output: 'output0', boxes: 'pixels' }, input, { output0: nothing }, 0)).toEqual(
    [],
  );
});

it('says what does not fit', () => {
  const head = { type: 'end-to-end', output: 'output0', boxes: 'pixels' } as const;
  const output0 = new Tensor('float32', [1, 300, 5]);
  expect(() => decoderFor(head, input, { output0 })).toThrow('output "output0"');
});
