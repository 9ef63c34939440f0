// What classes are called on the command line, by `--labels`.
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { paint, pngOf } from '../images/pictures.ts';
import { commandLine } from './command-line.ts';
import { ModelBuilder } from '../import/tflite/model.ts';
import { sparseModel } from './tflite-model.ts';

let directory: string;
beforeAll(async () => void (directory = await mkdtemp(join(tmpdir(), 'filigree-labels-'))));
afterAll(() => rm(directory, { recursive: true }));

const { json: report, refused: refusal } = commandLine();

interface Report {
  metadata: { vision: object };
  photos: { [list: string]: { label: string }[] }[];
}
const json = (...argv: string[]) => report<Report>(...argv);

async function written(name: string, data: string | Uint8Array): Promise<string> {
  const file = join(directory, name);
  await writeFile(file, data);
  return file;
}

const image = [1, 64, 64, 3];
const shape = (model: ModelBuilder, numbers: number[]) => model.integers([numbers.length], numbers);

/** YOLOv8's output of 64² images and three classes, made of the image itself: on white, one box of the first class. */
function detector(): Uint8Array {
  const model = new ModelBuilder();
  const row = [1, 64 * 64 * 3];
  const [flat] = model.apply('flat', 'RESHAPE', [model.input('x', image), shape(model, row)], [row]);
  const cells = 64 + 16 + 4;
  const part = [1, 7 * cells];
  const [numbers] = model.apply('part', 'SLICE', [flat, shape(model, [0, 0]), shape(model, part)], [part]);
  model.output('y', 'RESHAPE', [numbers, shape(model, [1, cells, 7])], [[1, cells, 7]]);
  return model.bytes();
}

/** The three channels' means. */
function classifier(): Uint8Array {
  const model = new ModelBuilder();
  const [x, axes] = [model.input('x', image), model.integers([2], [1, 2])];
  model.output('means', 'MEAN', [x, axes], [[1, 3]], { Reducer: {} });
  return model.bytes();
}

describe('--labels', () => {
  let files: Record<'detector' | 'classifier' | 'other' | 'insects' | 'pets' | 'two' | 'white' | 'out', string>;
  beforeAll(async () => {
    files = {
      detector: await written('detector.tflite', detector()),
      classifier: await written('classifier.tflite', classifier()),
      other: await written('other.tflite', sparseModel()),
      insects: await written('insects.txt', 'ant\nbee\ncicada\n'),
      pets: await written('pets.txt', 'background\ncat\ndog\nemu\n'),
      two: await written('two.txt', 'ant\nbee\n'),
      white: await written('white.png', await pngOf(paint(32, 32, () => [255, 255, 255, 255]))),
      out: join(directory, 'out.filigree'),
    };
  });

  const found = async (model: string, ...argv: string[]) => {
    const { photos } = await json('detect', files.white, '-m', model, ...argv);
    return photos[0].detections.map(({ label }) => label);
  };

  it('name detected objects', async () => {
    expect(await found(files.detector, '--head', 'yolov8')).toEqual(['class 0']);
    expect(await found(files.detector, '--head', 'yolov8', '--labels', files.insects)).toEqual(['ant']);
    expect(await found(files.detector, '--head', 'yolov8', '-l', files.pets)).toEqual(['cat']);
  });

  it('are kept in the artifact', async () => {
    await json('compile', files.detector, '-o', files.out, '--head', 'yolov8', '--labels', files.insects);
    const { metadata } = await json('inspect', files.out);
    expect(metadata.vision).toMatchObject({ task: 'detect', labels: ['ant', 'bee', 'cicada'] });
    expect(await found(files.out)).toEqual(['ant']);
    expect(await found(files.out, '--labels', files.pets)).toEqual(['cat']);
  });

  it('are kept for classifiers without other metadata', async () => {
    await json('compile', files.classifier, '-o', files.out, '--labels', files.insects);
    expect((await json('inspect', files.out)).metadata.vision).toEqual({
      task: 'classify',
      labels: ['ant', 'bee', 'cicada'],
    });
    expect(await refusal('classify', files.white, '-m', files.out)).toContain('give the preprocessing (--preprocess)');
    const { photos } = await json('classify', files.white, '-m', files.out, '--preprocess', 'none');
    expect(photos[0].classifications.map(({ label }) => label)).toEqual(['ant', 'bee', 'cicada']);
  });

  it('must be as many as the classes', async () => {
    const message = 'labels: there are 2; the model has 3 classes';
    const out = join(directory, 'never.filigree');
    const detect = ['detect', files.white, '-m', files.detector, '--head', 'yolov8', '--labels', files.two];
    expect(await refusal(...detect)).toBe(message);
    for (const model of [files.detector, files.classifier]) {
      const head = model === files.detector ? ['--head', 'yolov8'] : [];
      expect(await refusal('compile', model, '-o', out, ...head, '--labels', files.two)).toBe(message);
    }
    await expect(access(out)).rejects.toThrow('ENOENT');
  });

  it('are for models that have classes', async () => {
    expect(await refusal('compile', files.other, '-o', files.out, '--labels', files.two)).toMatch(
      /other\.tflite: only classifiers and detectors take labels, and this model is not recognised as either/,
    );
    expect(await refusal('detect', files.white, '-m', files.detector, '-l', '/nowhere')).toContain('/nowhere: no such');
  });
});
