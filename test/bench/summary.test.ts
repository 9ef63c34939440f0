import { expect, it } from 'vitest';
import { parseShapes } from '../../bench/shapes.ts';
import { breakEven } from '../../bench/summary.ts';

it('interpolates the break-even density between measured ones', () => {
  const points = [
    { density: 0.1, speedup: 8 },
    { density: 0.5, speedup: 2 },
    { density: 1, speedup: 0.5 },
  ];
  expect(breakEven(points)).toBeCloseTo(0.75, 12); // half way in log(speed-up)
  expect(breakEven(points.slice(0, 2))).toBe(0.5);
  expect(breakEven(points.slice(2))).toBe(null);
});

it('reads shapes, and names the line of an invalid one', () => {
  const line = { op: 'conv', inputs: 3, outputs: 32, height: 224, width: 200, kernel: 3, stride: 2, count: 1 };
  expect(parseShapes('# a comment\nconv 3 32 224 200 3 2 1 # the stem\n\n', 'a.txt')).toEqual([line]);
  expect(() => parseShapes('conv 3 32 224 200 3 2 1\nconv 3 32', 'a.txt')).toThrow(
    'a.txt:2: a line must hold an operator and seven',
  );
  expect(() => parseShapes('conv 3 32 224 -1 3 2 1', 'a.txt')).toThrow('got "conv 3 32 224 -1 3 2 1"');
});
