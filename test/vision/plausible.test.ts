import { expect, it } from 'vitest';
import { CandidateList } from '../../src/vision/candidates.ts';
import { checkPlausible } from '../../src/vision/plausible.ts';

const input = { width: 100, height: 80 };

function candidates(...boxes: [x: number, y: number, size: number, score: number][]) {
  const list = new CandidateList();
  for (const [x, y, size, score] of boxes) list.addCentred(x, y, size, size, score, 0);
  return list.finish();
}

const many = (count: number, x: number, y: number, size = 10, score = 0.9) =>
  Array.from({ length: count }, (): [number, number, number, number] => [x, y, size, score]);

it('is settled by enough boxes, and not before', () => {
  expect(checkPlausible(candidates(), input, 'net')).toBe(false);
  expect(checkPlausible(candidates(...many(7, 50, 40)), input, 'net')).toBe(false);
  expect(checkPlausible(candidates(...many(8, 50, 40)), input, 'net')).toBe(true);
  expect(checkPlausible(candidates(...many(8, 50, 40, 10, 1)), input, 'net')).toBe(true);
  expect(checkPlausible(candidates(...many(8, -5, 85)), input, 'net')).toBe(true); // a little outside
});

it('says that scores are none, however few', () => {
  expect(() => checkPlausible(candidates([50, 40, 10, 7721]), input, 'net.tflite')).toThrow(
    'net.tflite: scores should be in 0…1; one is 7721: its outputs are not what its head takes them for. Name another head',
  );
  expect(() => checkPlausible(candidates([50, 40, 10, 1.01]), input, 'net')).toThrow(
    expect.objectContaining({ code: 'invalid-model' }),
  );
});

it('says that boxes are elsewhere, or fractions', () => {
  expect(checkPlausible(candidates(...many(5, 50, 40), ...many(4, 5000, 40)), input, 'net')).toBe(true);
  expect(() => checkPlausible(candidates(...many(4, 50, 40), ...many(5, 5000, 40)), input, 'net')).toThrow(
    'of its 9 boxes only 4 have their centre within the input of 100 × 80 pixels',
  );
  expect(() => checkPlausible(candidates(...many(9, 0.5, 0.4, 0.1)), input, 'net')).toThrow('within two pixels');
});
