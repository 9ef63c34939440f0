// COCO's instances.json: images, the objects in them, and their categories.
import { isObject } from '../formats/json-object.ts';
import { FiligreeError } from '../errors.ts';
import type { GroundTruth } from './average-precision.ts';
import { parseJson } from '../formats/json.ts';
import { cocoKeypoints } from './keypoint-similarity.ts';
import { countsOfText, runsOfCounts, runsOfPolygons } from './mask-runs.ts';

export interface CocoImage {
  readonly id: number;
  readonly file: string;
  /** Pixels, where the file gives them. */
  readonly width?: number;
  readonly height?: number;
}

export interface CocoDataset {
  readonly images: readonly CocoImage[];
  /** In the file's order. */
  readonly categories: readonly { readonly id: number; readonly name: string }[];
  readonly annotations: readonly GroundTruth[];
}

type Entry = Record<string, unknown>;

/**
 * Reads an instances.json. An annotation without `area` gets its box's; one without `iscrowd` is not a crowd.
 * @param file prefix of messages
 * @throws FiligreeError `invalid-argument` naming the line that is not JSON, or the entry and field that is wrong
 */
export function readInstances(text: string, file: string): CocoDataset {
  const fail = (message: string): never => {
    throw new FiligreeError('invalid-argument', `${file}: ${message}`);
  };
  const root = parseJson(text, file);
  const entries = (name: string): { entry: Entry; path: string }[] => {
    const list = isObject(root) ? root[name] : undefined;
    if (!Array.isArray(list)) fail(`not a COCO instances file: "${name}" is not a list`);
    return (list as unknown[]).map((entry, i) => {
      const path = `${name}[${i}]`;
      if (!isObject(entry)) return fail(`${path}: wanted an object, found ${shown(entry)}`);
      return { entry, path };
    });
  };
  const wrong = (path: string, wanted: string, found: unknown) =>
    fail(`${path}: wanted ${wanted}, found ${shown(found)}`);
  const number = (value: unknown, path: string, least = -Infinity): number =>
    typeof value === 'number' && value >= least
      ? value
      : wrong(path, least === 0 ? 'a number from 0' : 'a number', value);
  const filled = (value: unknown, path: string): string =>
    typeof value === 'string' && value !== '' ? value : wrong(path, 'a text', value);
  const distinct = (ids: readonly number[], name: string) => {
    const seen = new Set<number>();
    ids.forEach((id, i) => (seen.has(id) ? fail(`${name}[${i}].id: ${id} is there twice`) : seen.add(id)));
    return seen;
  };

  const images = entries('images').map(({ entry, path }): CocoImage => {
    const size = (name: 'width' | 'height') =>
      entry[name] === undefined ? {} : { [name]: number(entry[name], `${path}.${name}`, 0) };
    return {
      id: number(entry.id, `${path}.id`),
      file: filled(entry.file_name, `${path}.file_name`),
      ...size('width'),
      ...size('height'),
    };
  });
  const categories = entries('categories').map(({ entry, path }) => ({
    id: number(entry.id, `${path}.id`),
    name: filled(entry.name, `${path}.name`),
  }));
  if (images.length === 0) fail('it lists no images');
  if (categories.length === 0) fail('it lists no categories');
  const imageIds = distinct(
    images.map(({ id }) => id),
    'images',
  );
  const categoryIds = distinct(
    categories.map(({ id }) => id),
    'categories',
  );

  const sizes = new Map(images.map(({ id, width, height }) => [id, { width, height }]));
  const keypointsOf = ({ keypoints }: Entry, path: string) => {
    if (keypoints === undefined) return {};
    if (!Array.isArray(keypoints) || keypoints.length !== 3 * cocoKeypoints) {
      return wrong(`${path}.keypoints`, `${3 * cocoKeypoints} numbers`, keypoints);
    }
    const numbers = keypoints.map((value, i) => number(value, `${path}.keypoints[${i}]`));
    return { keypoints: numbers, ignored: !numbers.some((value, i) => i % 3 === 2 && value > 0) };
  };
  const maskOf = (
    { segmentation }: Entry,
    path: string,
    { width, height }: { width?: number; height?: number } = {},
  ) => {
    if (segmentation === undefined || width === undefined || height === undefined) return {};
    const at = `${path}.segmentation`;
    if (Array.isArray(segmentation)) {
      const polygons = segmentation.map((polygon: unknown, i) =>
        Array.isArray(polygon) && polygon.length >= 6 && polygon.length % 2 === 0
          ? polygon.map((value, k) => number(value, `${at}[${i}][${k}]`))
          : wrong(`${at}[${i}]`, 'x and y of three corners or more', polygon),
      );
      return { mask: runsOfPolygons(polygons, width, height) };
    }
    if (!isObject(segmentation)) return wrong(at, 'polygons or an RLE', segmentation);
    const { counts } = segmentation;
    if (typeof counts === 'string') return { mask: runsOfCounts(countsOfText(counts)) };
    if (!Array.isArray(counts)) return wrong(`${at}.counts`, 'a text or a list', counts);
    return { mask: runsOfCounts(counts.map((value, k) => number(value, `${at}.counts[${k}]`, 0))) };
  };

  const annotations = entries('annotations').map(({ entry, path }): GroundTruth => {
    const { bbox, area, iscrowd } = entry;
    if (!Array.isArray(bbox) || bbox.length !== 4) return wrong(`${path}.bbox`, '[x, y, width, height]', bbox);
    const [x, y, width, height] = bbox.map((value, i) => number(value, `${path}.bbox[${i}]`, i < 2 ? -Infinity : 0));
    const image = number(entry.image_id, `${path}.image_id`);
    const category = number(entry.category_id, `${path}.category_id`);
    if (!imageIds.has(image)) fail(`${path}.image_id: there is no image with the id ${image}`);
    if (!categoryIds.has(category)) fail(`${path}.category_id: there is no category with the id ${category}`);
    const crowd = iscrowd ?? 0;
    if (crowd !== 0 && crowd !== 1) wrong(`${path}.iscrowd`, '0 or 1', iscrowd);
    return {
      image,
      category,
      box: [x, y, width, height],
      area: area === undefined ? width * height : number(area, `${path}.area`, 0),
      crowd: crowd === 1,
      ...keypointsOf(entry, path),
      ...maskOf(entry, path, sizes.get(image)),
    };
  });
  return { images, categories, annotations };
}

/** A value in a message, without the contents of nested lists and objects. */
function shown(value: unknown): string {
  const isFlat = Array.isArray(value) && value.every((item) => typeof item !== 'object' || item === null);
  if (Array.isArray(value) && !isFlat) return `a list of ${value.length}`;
  if (isObject(value)) return 'an object';
  const json = JSON.stringify(value) ?? 'nothing';
  return json.length > 60 ? `${json.slice(0, 57)}…` : json;
}

/**
 * The category of each of a detector's classes: the one with its label, ignoring case. Where no label matches a
 * category and the numbers are equal, and where the detector has no labels, the category at the same position.
 * @returns per class index, a category's id, or undefined where it has none; and whether they were matched by name
 * @throws FiligreeError `invalid-argument` when neither labels nor numbers match
 */
export function categoriesOfClasses(
  labels: readonly string[],
  categories: CocoDataset['categories'],
  file: string,
): { ids: (number | undefined)[]; byName: boolean } {
  const inOrder = { ids: categories.map(({ id }) => id), byName: false };
  if (labels.length === 0) return inOrder;
  const idOf = new Map(categories.map(({ id, name }) => [name.trim().toLowerCase(), id]));
  const named = labels.map((label) => idOf.get(label.trim().toLowerCase()));
  if (named.some((id) => id !== undefined)) return { ids: named, byName: true };
  if (labels.length === categories.length) return inOrder;
  const some = (names: readonly string[]) => `${names.slice(0, 3).join(', ')}${names.length > 3 ? ' …' : ''}`;
  throw new FiligreeError(
    'invalid-argument',
    `${file}: none of its ${categories.length} categories (${some(categories.map(({ name }) => name))}) is ` +
      `one of the model's ${labels.length} labels (${some(labels)})`,
  );
}
