import { describe, expect, it } from 'vitest';
import { readLabelledImages, topAccuracy } from '../../src/evaluate/labelled-images.ts';

describe('readLabelledImages', () => {
  it('reads quoted cells, blank lines and every line ending', () => {
    const text =
      '\uFEFFauthor,Image,imagenet_class\r\n"Sons, ""Ltd""\nof Ghent",a.jpg,7\r\n\r\nb,b.jpg,0\nc,"c.jpg",999';
    expect(readLabelledImages(text, 'l.csv')).toEqual([
      { file: 'a.jpg', classIndex: 7, line: 2 },
      { file: 'b.jpg', classIndex: 0, line: 5 },
      { file: 'c.jpg', classIndex: 999, line: 6 },
    ]);
  });

  it.each([
    ['', 'line 1: wanted a header, found nothing'],
    ['image,class\n', 'line 1: no images below the header'],
    ['name,class\na,1', 'line 1: no column "image" in the header; found name, class'],
    ['image,kind\na,1', 'line 1: no column "imagenet_class" in the header; found image, kind'],
    ['image,class\na,1\nb', 'line 3: wanted 2 columns, as in the header; found 1'],
    ['image,class\na,1\nb,dog', 'line 3: class: wanted a whole number from 0, found "dog"'],
    ['image,class\na,', 'line 2: class: wanted a whole number from 0, found ""'],
    ['image,class\na,-1', 'line 2: class: wanted a whole number from 0, found "-1"'],
    ['image,class\na,1.5', 'line 2: class: wanted a whole number from 0, found "1.5"'],
    ['image,class\n,1', 'line 2: the column "image" is empty'],
    ['image,class\na,1\nb,2\na,3', 'line 4: a is on line 2 already'],
    ['image,class\na,1\n"b,2\nc,3', 'line 3: a quote is not closed'],
    ['image,class\na,1\n"b"c,2', 'line 3: "c" within a cell'],
    ['image,class\na,1\nb"c,2', 'line 3: """ within a cell'],
  ])('refuses %j', (text, message) => {
    expect(() => readLabelledImages(text, 'l.csv')).toThrow(`l.csv: ${message}`);
  });
});

describe('topAccuracy', () => {
  it('looks at the first, and at the first five', () => {
    const ranked = [5, 4, 3, 2, 1, 0];
    const predictions = [5, 1, 0, 5].map((truth) => ({ truth, ranked }));
    expect(topAccuracy(predictions)).toEqual({ top1: 0.5, top5: 0.75 });
    expect(() => topAccuracy([])).toThrow(RangeError);
  });
});
