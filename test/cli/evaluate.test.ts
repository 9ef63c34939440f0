import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { progressBar } from '../../src/evaluate/progress.ts';
import { dataPath, describeWithData } from '../data.ts';
import { paint, pngOf } from '../images/pictures.ts';
import { commandLine } from './command-line.ts';
import { ModelBuilder } from '../import/tflite/model.ts';

let directory: string;
beforeAll(async () => void (directory = await mkdtemp(join(tmpdir(), 'filigree-evaluate-'))));
afterAll(() => rm(directory, { recursive: true }));

let defaultModel = '';
const { filigree, json, refused: refusal } = commandLine(() => defaultModel);

/** Writes a file below the temporary directory; gives its path. */
async function written(name: string, data: string | Uint8Array): Promise<string> {
  const path = join(directory, name);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, data);
  return path;
}

/** Classes are colours: the mean of each channel over an image of 8 × 8 pixels is its score. */
function colourModel(): Uint8Array {
  const model = new ModelBuilder();
  const x = model.input('photo', [1, 8, 8, 3]);
  const axes = model.integers([2], [1, 2]);
  model.output('means', 'MEAN', [x, axes], [[1, 3]], { Reducer: {} });
  return model.bytes();
}

const colours = { red: [200, 100, 0, 255], green: [0, 200, 100, 255], blue: [100, 0, 200, 255] };

describe('a classifier', () => {
  let model: string;
  let labels: string;
  beforeAll(async () => {
    model = await written('colours.tflite', colourModel());
    defaultModel = model;
    labels = await written('colours.txt', '0 red\n1 green\n2 blue\n');
    for (const [name, colour] of Object.entries(colours)) {
      await written(`set/images/${name}.png`, await pngOf(paint(20, 10, () => colour)));
    }
  });
  const picture = (name: string) => join(directory, `set/images/${name}.png`);

  it('is imagenet unless another is named', async () => {
    const options = ['-l', labels, '--preprocess', 'none'];
    for (const named of [[], ['-m', 'imagenet']]) {
      const report = await json('classify', picture('green'), ...named, ...options);
      expect(report).toMatchObject({ model, photos: [{ classifications: [{ label: 'green' }, {}, {}] }] });
    }
  });

  it('names the classes of photos', async () => {
    const report = await json('classify', picture('green'), '-m', model, '-l', labels, '--preprocess', 'mobilenet');
    expect(report).toMatchObject({
      model,
      photos: [
        {
          file: picture('green'),
          width: 20,
          height: 10,
          classifications: [
            { label: 'green', classIndex: 1 },
            { label: 'blue', classIndex: 2 },
            { label: 'red', classIndex: 0 },
          ],
          speed: {},
        },
      ],
    });
    // Softmax of 200, 100 and 0 over 127.5, less 1. Float32 sums over 64 pixels.
    const exponentials = [200, 100, 0].map((b) => Math.exp(b / 127.5));
    const sum = exponentials.reduce((a, b) => a + b);
    const [{ classifications }] = report.photos as { classifications: { score: number }[] }[];
    classifications.forEach(({ score }, i) => expect(score).toBeCloseTo(exponentials[i] / sum, 5));
  });

  it('prints tables of the best classes, and skips files that are not photos', async () => {
    const argv = [
      'classify',
      picture('red'),
      model,
      picture('blue'),
      '-m',
      model,
      '-k',
      '1',
      '--preprocess',
      '{"order":"BGR"}',
    ];
    const { code, out, err } = await filigree(...argv);
    expect(code).toBe(1);
    expect(err).toMatch(/^filigree: .*colours\.tflite: not a JPEG, PNG or WebP image[^\n]*\n$/);
    // Red and blue change places.
    expect(out).toMatch(
      /^.*red\.png {2}20 × 10\nlabel +class +score\nclass 2 +2 +100\.0 %\npreprocess .*\n\n.*blue\.png.*\n.*\nclass 0 +0 .*\n.*\n$/,
    );
  });

  it('is measured', async () => {
    // Two of three are right; everything is among the best five.
    const csv = await written('set/labels.csv', 'image,imagenet_class\nred.png,0\ngreen.png,1\n"blue.png",0\n');
    const report = await json('evaluate', model, '--labels', csv, '--preprocess', 'none');
    expect(report).toMatchObject({ model, dataset: csv, top1: 2 / 3, top5: 1, images: 3, notes: [] });
    const { preprocess, inference, postprocess } = report.speed as Record<string, number>;
    expect(report.msPerImage).toBeCloseTo(preprocess + inference + postprocess, 9);
    expect(await json('evaluate', model, '--labels', csv, '--preprocess', 'none', '--limit', '2')).toMatchObject({
      top1: 1,
      images: 2,
    });
    const { out } = await filigree('evaluate', model, '--labels', csv, '--preprocess', 'none');
    expect(out).toMatch(/top-1 +66\.7 % +2\ntop-5 +100\.0 % +3\n3 images, \d.* ms an image: preprocess .*\n$/);
  });

  it('is measured with images elsewhere, and classes counted from elsewhere', async () => {
    const csv = await written('elsewhere.csv', 'label,image,author\n0,green.png,"A, B"\n1,blue.png,C\n');
    const images = join(directory, 'set/images');
    const argv = [
      'evaluate',
      model,
      '--labels',
      csv,
      '--images',
      images,
      '--label-offset',
      '1',
      '--preprocess',
      'none',
    ];
    const report = await json(...argv);
    expect(report).toMatchObject({ top1: 1, images: 2 });
    expect(await refusal('evaluate', model, '--labels', csv, '--preprocess', 'none')).toBe(
      `${csv}: 2 of 2 images are missing, first ${join(directory, 'green.png')} (--images says where images are)`,
    );
  });

  it('reports errors by file and line', async () => {
    const evaluate = (csv: string, ...more: string[]) =>
      refusal('evaluate', model, '--labels', csv, '--preprocess', 'none', ...more);
    const bad = await written('set/bad.csv', 'image,imagenet_class\nred.png,0\ngreen.png,one\n');
    expect(await evaluate(bad)).toBe(`${bad}: line 3: imagenet_class: wanted a whole number from 0, found "one"`);
    const beyond = await written('set/beyond.csv', 'image,imagenet_class\nred.png,0\ngreen.png,3\n');
    expect(await evaluate(beyond)).toBe(`${beyond}: line 3: class 3: the model has 3 classes`);
    expect(await evaluate(beyond, '--limit', '1', '--label-offset', '3')).toBe(
      `${beyond}: line 2: class 0: the model has 3 classes; the first 3 are left out`,
    );
    expect(await evaluate('/nowhere/labels.csv')).toBe('/nowhere/labels.csv: no such file or directory');
    const broken = await written('set/images/broken.png', (await readFile(picture('red'))).subarray(0, 50));
    const csv = await written('set/broken.csv', 'image,class\nbroken.png,0\n');
    expect(await evaluate(csv)).toContain(`${broken}: a PNG image of 50 bytes that is broken`);

    const good = await written('set/good.csv', 'image,class\nred.png,0\n');
    expect(await refusal('evaluate', model, '--labels', good)).toContain('give the preprocessing (--preprocess)');
    expect(await refusal('classify', picture('red'), '-m', model)).toContain('give the preprocessing (--preprocess)');
    expect(
      await refusal('classify', picture('red'), '-m', model, '--preprocess', '{"scale": 1}', '-l', labels),
    ).toContain('preprocessing.scale: wanted a list');
    const twice = await written('twice.txt', '0 red\n0 green');
    expect(await refusal('classify', picture('red'), '-m', model, '-l', twice)).toBe(
      `${twice}: line 2: class 0 is on line 1 already`,
    );
    const few = await written('few.txt', 'red\ngreen');
    expect(await refusal('classify', picture('red'), '-m', model, '-l', few, '--preprocess', 'none')).toContain(
      'labels: there are 2; the model has 3 classes',
    );
    expect(await refusal('evaluate', model, '--coco', await written('i.json', '{"images": [\n}'))).toContain(
      'i.json: not valid JSON: line 2, column 1: unexpected "}"',
    );
  });
});

describe('evaluate and classify', () => {
  it('exit with 2 when they are called wrongly', async () => {
    for (const argv of [
      ['evaluate'],
      ['evaluate', 'm'],
      ['evaluate', 'm', '--coco', 'i.json', '--labels', 'l.csv'],
      ['evaluate', 'm', '--coco', 'i.json', '--limit', '0'],
      ['evaluate', 'm', '--labels', 'l.csv', '--label-offset', '-1'],
      ['evaluate', 'm', '--labels', 'l.csv', '--preprocess', 'caffe'],
      ['classify', 'p.jpg', '-m', 'm', '--top', '0'],
      ['classify', 'p.jpg', '-m', 'm', '--preprocess', '{'],
      ['classify', '-m', 'm'],
    ]) {
      const { code, out, err } = await filigree(...argv);
      expect({ argv, code, out }).toEqual({ argv, code: 2, out: '' });
      expect(err).not.toBe('');
    }
  });

  it('have help', async () => {
    const { out } = await filigree('--help');
    for (const command of ['classify', 'evaluate']) {
      expect(out).toContain(`  ${command} `);
      const help = await filigree(command, '--help');
      expect(help).toMatchObject({ code: 0, err: '' });
      expect(help.out).toMatch(new RegExp(`Usage: filigree ${command}.*--preprocess.*--json`, 's'));
    }
  });

  it('show how far they are', () => {
    expect(progressBar(0, 160, 0, 'images')).toBe(`[${'░'.repeat(30)}] 0/160 images`);
    expect(progressBar(40, 160, 4000, 'images')).toBe(`[${'█'.repeat(8)}${'░'.repeat(22)}] 40/160 images, 12 s left`);
    expect(progressBar(1, 161, 3000, 'images')).toContain('1/161 images, 8 min left');
  });
});

describe('a detector', () => {
  const faces = 'node_modules/@mediapipe/face_detection/face_detection_full_range_sparse.tflite';
  const photos = 'node_modules/@vladmandic/face-api/demo';
  const files = ['sample5.jpg', 'sample6.jpg'];

  interface Photo {
    width: number;
    height: number;
    detections: { score: number; box: { xmin: number; ymin: number; xmax: number; ymax: number } }[];
  }
  let found: Photo[];
  beforeAll(async () => {
    const paths = files.map((name) => join(photos, name));
    found = (await json('detect', ...paths, '-m', faces, '--iou-threshold', '0.65')).photos as never;
    for (const { detections } of found) expect(detections.length).toBeGreaterThan(1);
  });

  /** A data set of the detector's own detections, changed by a function. */
  async function dataset(
    name: string,
    change: (set: {
      images: { id: number; file_name: string; width: number; height: number }[];
      categories: { id: number; name: string }[];
      annotations: { id: number; image_id: number; category_id: number; bbox: number[]; iscrowd: number }[];
    }) => void = () => {},
  ): Promise<string> {
    const set = {
      images: files.map((file_name, i) => ({ id: 10 * i, file_name, width: found[i].width, height: found[i].height })),
      categories: [{ id: 4, name: 'Face' }],
      annotations: found.flatMap(({ detections }, i) =>
        detections.map(({ box: { xmin, ymin, xmax, ymax } }, k) => ({
          id: 100 * i + k,
          image_id: 10 * i,
          category_id: 4,
          bbox: [xmin, ymin, xmax - xmin, ymax - ymin],
          iscrowd: 0,
        })),
      ),
    };
    change(set);
    return written(name, JSON.stringify(set));
  }
  const evaluate = async (instances: string, ...more: string[]) =>
    json('evaluate', faces, '--coco', instances, '--images', photos, '--score-threshold', '0.5', ...more);

  it('finds all objects that were taken from its own detections', async () => {
    const report = await evaluate(await dataset('all.json'));
    expect(report).toMatchObject({ ap: 1, ap50: 1, ap75: 1, ar100: 1, images: 2, notes: [] });
    expect(Object.keys(report)).toEqual(
      expect.arrayContaining(['apSmall', 'apMedium', 'apLarge', 'ar1', 'ar10', 'arSmall', 'arMedium', 'arLarge']),
    );
    expect(await evaluate(await dataset('all.json'), '--limit', '1')).toMatchObject({ ap: 1, images: 1 });
  });

  it('misses added objects, in their share', async () => {
    const all = found.reduce((sum, { detections }) => sum + detections.length, 0);
    const twice = await dataset('twice.json', ({ annotations }) => {
      annotations.push(...annotations.map((one) => ({ ...one, id: one.id + 1000, bbox: [0, 0, 1, 1] })));
    });
    const report = await evaluate(twice);
    expect(report.ar100).toBeCloseTo(all / (2 * all), 9);
    expect(report.ap).toBeCloseTo(51 / 101, 9); // precision 1 up to a recall of 1/2
  });

  it('prints a table, and notes what it cannot know', async () => {
    const instances = await dataset('more.json', ({ categories }) => categories.push({ id: 5, name: 'unicorn' }));
    const argv = ['evaluate', faces, '--coco', instances, '--images', photos, '--score-threshold', '0.5'];
    const { code, out } = await filigree(...argv);
    expect(code).toBe(0);
    expect(out).toMatch(/average precision +\.50–\.95 +all +100 +100\.0 %\n/);
    expect(out).toContain('2 images, ');
    expect(out).toMatch(
      /note: the model has no class for 1 of 2 categories \(unicorn\): their objects count as missed\n$/,
    );
  });

  it('has its classes taken in order where names say nothing', async () => {
    const report = await evaluate(await dataset('cats.json', ({ categories }) => (categories[0].name = 'cat')));
    expect(report).toMatchObject({
      ap: 1,
      notes: ["the model's labels name no category: its classes are taken for the categories in their order"],
    });
  });

  it('reports errors by file', async () => {
    const evaluateBadly = (instances: string) => refusal('evaluate', faces, '--coco', instances, '--images', photos);
    const missing = await dataset('missing.json', ({ images }) => (images[1].file_name = 'nowhere.jpg'));
    expect(await evaluateBadly(missing)).toBe(
      `${missing}: 1 of 2 images are missing, first ${join(photos, 'nowhere.jpg')}`,
    );
    const resized = await dataset('resized.json', ({ images }) => (images[0].width = 100));
    expect(await evaluateBadly(resized)).toMatch(
      /sample5\.jpg: it is \d+ × \d+ pixels; .*resized\.json says 100 × \d+$/,
    );
    const others = await dataset('others.json', ({ categories }) => {
      categories[0].name = 'cat';
      categories.push({ id: 5, name: 'dog' });
    });
    expect(await evaluateBadly(others)).toContain("none of its 2 categories (cat, dog) is one of the model's 1 labels");
  });
});

describeWithData('MobileNets on imagenet-500', 'imagenet-500', (folder) => {
  // What onnxruntime makes of the float ONNX of the same weights, and of the same 224² pixels (bilinear, centres at half
  // coordinates, no smoothing): top-1 and top-5. One image may fall to the other side by rounding.
  it.each([
    ['mobilenet_v2_1.0_224/mobilenet_v2_1.0_224_quant.tflite', [], 436, 488],
    ['mobilenet_v1_1.0_224_quant/mobilenet_v1_1.0_224_dequantised.onnx', ['--preprocess', 'mobilenet'], 430, 483],
    ['mobilenet_v2_1.0_224/mobilenetv2_float32.onnx', ['--preprocess', 'mobilenet'], 419, 487],
  ])('%s is right as often as through onnxruntime', async (file, options, top1, top5) => {
    const report = await json('evaluate', dataPath('models', file), '--labels', join(folder, 'labels.csv'), ...options);
    expect(report.images).toBe(500);
    expect(Math.abs(500 * Number(report.top1) - top1)).toBeLessThan(1.5);
    expect(Math.abs(500 * Number(report.top5) - top5)).toBeLessThan(1.5);
  });
});

describeWithData('YOLOX-nano on coco-val-160', 'coco-val-160', (folder) => {
  // onnxruntime and pycocotools, with the same pixels (letterboxed top left on 114, bilinear), boxes within the image, NMS
  // at .65 within each class: 30.16 and 45.61, 30.70 and 46.35 where boxes count for all classes. To 0.1 point.
  it.each([
    ['the best class', [], 0.3016, 0.4561],
    ['every class', ['--multi-label'], 0.307, 0.4635],
  ])('finds as much as through onnxruntime, by %s of a box', async (_, options, ap, ap50) => {
    const model = dataPath('models/yolox_nano_coco/yolox_nano.onnx');
    const report = await json('evaluate', model, '--coco', join(folder, 'instances.json'), ...options);
    expect(report).toMatchObject({ images: 160, notes: [] });
    expect(Math.abs(Number(report.ap) - ap)).toBeLessThan(0.001);
    expect(Math.abs(Number(report.ap50) - ap50)).toBeLessThan(0.001);
  });
});
