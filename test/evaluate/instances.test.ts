import { describe, expect, it } from 'vitest';
import { categoriesOfClasses, readInstances } from '../../src/evaluate/instances.ts';

const dataset = {
  images: [
    { id: 7, file_name: 'b.jpg', width: 640, height: 480 },
    { id: 3, file_name: 'a.jpg' },
  ],
  categories: [
    { id: 18, name: 'dog', supercategory: 'animal' },
    { id: 1, name: 'person' },
  ],
  annotations: [
    { id: 1, image_id: 3, category_id: 1, bbox: [1, 2.5, 30, 40], area: 900.5, iscrowd: 1 },
    { id: 2, image_id: 7, category_id: 18, bbox: [-1, 0, 3, 4] },
  ],
};

/** The data set with one value replaced: `annotations.0.bbox`. */
function changed(path: string, value: unknown): string {
  const copy = structuredClone(dataset) as never;
  const names = path.split('.');
  let at: Record<string, never> = copy;
  for (const name of names.slice(0, -1)) at = at[name];
  at[names.at(-1)!] = value as never;
  return JSON.stringify(copy);
}

describe('readInstances', () => {
  it('reads images, categories and annotations in their order', () => {
    expect(readInstances(JSON.stringify(dataset), 'i.json')).toEqual({
      images: [
        { id: 7, file: 'b.jpg', width: 640, height: 480 },
        { id: 3, file: 'a.jpg' },
      ],
      categories: [
        { id: 18, name: 'dog' },
        { id: 1, name: 'person' },
      ],
      annotations: [
        { image: 3, category: 1, box: [1, 2.5, 30, 40], area: 900.5, crowd: true },
        { image: 7, category: 18, box: [-1, 0, 3, 4], area: 12, crowd: false },
      ],
    });
  });

  it.each([
    ['images', undefined, 'not a COCO instances file: "images" is not a list'],
    ['images', [], 'it lists no images'],
    ['categories', [], 'it lists no categories'],
    ['images.1', 5, 'images[1]: wanted an object, found 5'],
    ['images.1.id', 7, 'images[1].id: 7 is there twice'],
    ['images.0.file_name', '', 'images[0].file_name: wanted a text, found ""'],
    ['images.0.width', -1, 'images[0].width: wanted a number from 0, found -1'],
    ['categories.0.name', null, 'categories[0].name: wanted a text, found null'],
    ['annotations.0.bbox', [1, 2, 3], 'annotations[0].bbox: wanted [x, y, width, height], found [1,2,3]'],
    ['annotations.0.bbox', [1, 2, -3, 4], 'annotations[0].bbox[2]: wanted a number from 0, found -3'],
    ['annotations.0.bbox', [1, '2', 3, 4], 'annotations[0].bbox[1]: wanted a number, found "2"'],
    ['annotations.1.image_id', 4, 'annotations[1].image_id: there is no image with the id 4'],
    ['annotations.1.category_id', 0, 'annotations[1].category_id: there is no category with the id 0'],
    ['annotations.0.area', null, 'annotations[0].area: wanted a number from 0, found null'],
    ['annotations.0.iscrowd', 2, 'annotations[0].iscrowd: wanted 0 or 1, found 2'],
  ])('refuses %s = %j', (path, value, message) => {
    expect(() => readInstances(changed(path, value), 'i.json')).toThrow(`i.json: ${message}`);
  });

  it('refuses lists nested so deeply that no function can walk them', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const entry = `{"images": [{"id": ${deep}, "file_name": "a.jpg"}], "categories": [{}], "annotations": []}`;
    expect(() => readInstances(entry, 'i.json')).toThrow('i.json: images[0].id: wanted a number, found a list of 1');
    expect(() => readInstances(`{"images": ${deep}}`, 'i.json')).toThrow('wanted an object, found a list of 1');
  });

  it('refuses files that are not data sets', () => {
    expect(() => readInstances('[]', 'i.json')).toThrow('i.json: not a COCO instances file');
    expect(() => readInstances('{"images": [', 'i.json')).toThrow('i.json: not valid JSON: line 1, column 13');
  });
});

describe('categoriesOfClasses', () => {
  const { categories } = dataset;

  it('goes by name where there is one', () => {
    expect(categoriesOfClasses(['Person', 'bicycle', 'dog '], categories, 'i.json')).toEqual({
      ids: [1, undefined, 18],
      byName: true,
    });
  });

  it('goes by place where there is none and the numbers agree', () => {
    expect(categoriesOfClasses(['class 0', 'class 1'], categories, 'i.json')).toEqual({ ids: [18, 1], byName: false });
    expect(categoriesOfClasses([], categories, 'i.json')).toEqual({ ids: [18, 1], byName: false });
    expect(() => categoriesOfClasses(['face'], categories, 'i.json')).toThrow(
      "i.json: none of its 2 categories (dog, person) is one of the model's 1 labels (face)",
    );
  });
});
