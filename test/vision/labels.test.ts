import { expect, describe, it } from 'vitest';
import { fitLabels } from '../../src/vision/labels.ts';

describe('fitLabels', () => {
  const classes = Array.from({ length: 1000 }, (_, i) => `class ${i}`);

  it('takes as many as there are classes', () => {
    expect(fitLabels(['a', 'b'], 2)).toEqual(['a', 'b']);
    expect(() => fitLabels(['a', 'b'], 3)).toThrow('labels: there are 2; the model has 3 classes');
    expect(() => fitLabels(['a', 'b', 'c'], 2)).toThrow('labels: there are 3; the model has 2 classes');
  });

  it('adds and drops the background of ImageNet models', () => {
    expect(fitLabels(classes, 1001)).toEqual(['background', ...classes]);
    expect(fitLabels(['background', ...classes], 1000)).toEqual(classes);
    expect(() => fitLabels(['tench', ...classes], 1000)).toThrow('there are 1001');
  });
});
