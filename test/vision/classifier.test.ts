import { describe, expect, it, vi } from 'vitest';
import type { ClassifierPreprocessing } from '../../src/vision/classifier-metadata.ts';
import { Classifier, type ClassifierSettings } from '../../src/vision/classifier.ts';
import type { ImageModel } from '../../src/vision/model.ts';
import { recogniseClassifier } from '../../src/vision/recognise-classifier.ts';
import type { Pixels, Preprocessing } from '../../src/vision/preprocessing.ts';
import { fakeModel, standingClock, type FakeEvents, type FakeModel } from './fake-model.ts';

const photo: Pixels = { data: new Uint8Array(20 * 10 * 3), width: 20, height: 10, channels: 3 };

const preprocessing: Preprocessing = {
  width: 8,
  height: 6,
  resize: 'letterbox',
  padValue: 114,
  scale: [1, 2, 3],
  offset: [4, 5, 6],
  order: 'BGR',
};

/** A model that always answers with `values`. */
function fake(values: readonly number[], more: Partial<ImageModel> = {}, events: FakeEvents = {}): FakeModel {
  const description = {
    name: 'fake.filigree',
    inputs: [{ name: 'input', dtype: 'float32', shape: [1, 6, 8, 3] }] as const,
    outputs: [{ name: 'scores', dtype: 'float32', shape: [1, values.length] }] as const,
    metadata: {},
    ...more,
  };
  return fakeModel(description, { [description.outputs[0].name]: { data: Float32Array.from(values) } }, events);
}

const classify = async (values: readonly number[], settings: ClassifierSettings = {}, metadata = {}) => {
  const classifier = new Classifier(fake(values, { metadata }), { preprocessing: 'none', ...settings });
  return (await classifier.classify(photo)).classifications;
};

const scores = async (...parameters: Parameters<typeof classify>) =>
  (await classify(...parameters)).map(({ classIndex, score }) => [classIndex, score]);

describe('Classifier', () => {
  it('gives the best classes, best first, with their labels', async () => {
    const labels = ['ant', 'bee', 'cat', 'dog', 'elk', 'fox'];
    const found = await classify([0.1, 0.25, 0, 0.5, 0.1, 0.05], { labels, topK: 3 });
    expect(found).toEqual([
      { label: 'dog', classIndex: 3, score: 0.5 },
      { label: 'bee', classIndex: 1, score: 0.25 },
      { label: 'ant', classIndex: 0, score: Math.fround(0.1) }, // the elk scores the same
    ]);
    expect(await classify([0.25, 0.75])).toMatchObject([{ label: 'class 1' }, { label: 'class 0' }]);
    expect(await classify(Array.from({ length: 9 }, () => 1 / 9))).toHaveLength(5);
  });

  it('leaves probabilities as they are, and makes probabilities of logits', async () => {
    expect(await scores([0.25, 0.7505])).toEqual([
      [1, Math.fround(0.7505)],
      [0, 0.25],
    ]);
    // e³ : e¹ = 1 : 0.1353
    const logits = await scores([1, 3]);
    expect(logits[0][1]).toBeCloseTo(1 / (1 + Math.exp(-2)), 12);
    expect(logits[1][1]).toBeCloseTo(1 / (1 + Math.exp(2)), 12);
    // A sum of 1, but a negative number among them.
    expect((await scores([-1, 2]))[0][1]).toBeCloseTo(1 / (1 + Math.exp(-3)), 12);
    // A sum that is 1.002.
    expect((await scores([0.252, 0.75]))[0][1]).toBeCloseTo(1 / (1 + Math.exp(-0.498)), 6);
    // Far beyond what e^x can hold.
    expect(await scores([1000, -1000])).toEqual([
      [0, 1],
      [1, 0],
    ]);
  });

  it('does as it is told about the activation, by metadata and, before that, by settings', async () => {
    const vision = { task: 'classify', preprocessing };
    expect((await scores([0.25, 0.75], { activation: 'softmax' }))[0][1]).toBeCloseTo(1 / (1 + Math.exp(-0.5)), 12);
    expect((await scores([0.5, 3], { activation: 'none' }))[0]).toEqual([1, 3]);
    expect((await scores([0.5, 3], {}, { vision: { ...vision, activation: 'none' } }))[0]).toEqual([1, 3]);
    const both = await scores([0.5, 3], { activation: 'softmax' }, { vision: { ...vision, activation: 'none' } });
    expect(both[0][1]).toBeCloseTo(1 / (1 + Math.exp(-2.5)), 12);
  });

  it('leaves out scores that are NaN', async () => {
    expect(await scores([0.25, NaN, 0.75], { activation: 'none' })).toEqual([
      [2, 0.75],
      [0, 0.25],
    ]);
  });

  it('takes every form of a score per class, and either order of the input', async () => {
    for (const shape of [[3], [1, 3], [1, 1, 1, 3], [1, 3, 1, 1]]) {
      for (const input of [
        [1, 6, 8, 3],
        [1, 3, 6, 8],
      ]) {
        const model = fake([0.2, 0.3, 0.5], {
          inputs: [{ name: 'input', dtype: 'float32', shape: input }],
          outputs: [{ name: 'y', dtype: 'float32', shape }],
        });
        const classifier = new Classifier(model, { preprocessing: 'none' });
        expect(classifier.classes).toBe(3);
        expect((await classifier.classify(photo)).classifications[0].classIndex).toBe(2);
        expect(model.seen[0]).toMatchObject({ width: 8, height: 6 });
      }
    }
  });

  it('takes its labels from settings or metadata.vision, in this order', () => {
    const vision = { task: 'classify', preprocessing, labels: ['chat', 'chien'] };
    const labels = (metadata: Record<string, unknown>, given?: string[]) =>
      new Classifier(fake([0, 1], { metadata }), { preprocessing: 'none', labels: given }).labels;
    expect(labels({ vision }, ['Katze', 'Hund'])).toEqual(['Katze', 'Hund']);
    expect(labels({ vision })).toEqual(['chat', 'chien']);
    expect(labels({})).toEqual([]);
  });

  it('fits labels of ImageNet to models with a background class', () => {
    const labels = Array.from({ length: 1000 }, (_, i) => `class ${i}`);
    const classifier = new Classifier(fake(Array.from({ length: 1001 }, () => 0)), { preprocessing: 'none', labels });
    expect(classifier.labels).toEqual(['background', ...labels]);
  });

  describe('makes its input', () => {
    const seen = async (given: ClassifierPreprocessing | undefined, metadata = {}) => {
      const model = fake([0, 1], { metadata });
      await new Classifier(model, { preprocessing: given }).classify(photo);
      return model.seen[0];
    };
    /** What a white and a black pixel become, per channel. */
    const range = ({ scale, offset }: Preprocessing) => scale.map((s, c) => [offset[c], 255 * s + offset[c]]);
    const plain = { width: 8, height: 6, resize: 'stretch', padValue: 0, order: 'RGB' };

    it('as presets say', async () => {
      const mobilenet = await seen('mobilenet');
      expect(mobilenet).toMatchObject(plain);
      expect(range(mobilenet).flat()).toEqual([-1, 1, -1, 1, -1, 1]);
      const none = await seen('none');
      expect(none).toEqual({ ...plain, scale: [1, 1, 1], offset: [0, 0, 0] });
      const imagenet = await seen('imagenet');
      expect(imagenet).toMatchObject(plain);
      // (0 − mean) / std and (1 − mean) / std, of torchvision's means and deviations
      const expected = [
        [-0.485 / 0.229, 0.515 / 0.229],
        [-0.456 / 0.224, 0.544 / 0.224],
        [-0.406 / 0.225, 0.594 / 0.225],
      ];
      range(imagenet).forEach((ends, c) => ends.forEach((end, i) => expect(end).toBeCloseTo(expected[c][i], 12)));
    });

    it('as its fields say', async () => {
      expect(await seen({ order: 'BGR', scale: [1, 2, 3] })).toEqual({
        ...plain,
        order: 'BGR',
        scale: [1, 2, 3],
        offset: [0, 0, 0],
      });
    });

    it('as the metadata say, unless told otherwise', async () => {
      const vision = { task: 'classify', preprocessing };
      expect(await seen(undefined, { vision })).toEqual(preprocessing);
      expect(await seen('none', { vision })).toMatchObject({ scale: [1, 1, 1], resize: 'stretch' });
    });
  });

  it('sums up times and gives the model back once', async () => {
    const { now, events } = standingClock();
    const model = fake([0, 1], {}, events);
    const classifier = new Classifier(model, { preprocessing: 'none' });
    const clock = vi.spyOn(performance, 'now').mockImplementation(now);
    try {
      const { speed } = await classifier.classify(photo);
      expect(speed).toEqual({ preprocess: 1, inference: 2, postprocess: 0 });
    } finally {
      clock.mockRestore();
    }
    classifier.dispose();
    classifier.dispose();
    expect(model.disposals).toBe(1);
    await expect(classifier.classify(photo)).rejects.toThrow(expect.objectContaining({ code: 'disposed' }));
  });

  it.each([
    [
      {},
      'invalid-argument',
      'fake.filigree: its metadata does not say how photos become its input; give the preprocessing',
    ],
    [
      { preprocessing: 'caffe' },
      'invalid-argument',
      'wanted "mobilenet", "imagenet", "none" or an object, found "caffe"',
    ],
    [{ preprocessing: 'toString' }, 'invalid-argument', 'found "toString"'],
    [{ preprocessing: '' }, 'invalid-argument', 'found ""'],
    [
      { preprocessing: { mean: [1, 2, 3] } },
      'invalid-argument',
      'preprocessing: wanted the fields width, height, resize',
    ],
    [{ preprocessing: { scale: [1] } }, 'invalid-argument', 'preprocessing.scale: wanted three numbers, found [1]'],
    [{ preprocessing: { width: 224 } }, 'invalid-argument', "wanted the size of the model's input, 8 × 6"],
    [{ preprocessing: 'none', topK: 0 }, 'invalid-argument', 'topK: wanted a whole number from 1, got 0'],
    [{ preprocessing: 'none', activation: 'sigmoid' }, 'invalid-argument', 'activation: wanted "softmax" or "none"'],
    [{ preprocessing: 'none', labels: ['a'] }, 'invalid-argument', 'labels: there are 1; the model has 2 classes'],
  ])('refuses the settings %j', (settings, code, message) => {
    const make = () => new Classifier(fake([0, 1]), settings as ClassifierSettings);
    expect(make).toThrow(message);
    expect(make).toThrow(expect.objectContaining({ code }));
  });

  it.each([
    [null, 'metadata.vision: wanted an object, found null'],
    [{ task: 'detect' }, 'metadata.vision.task: wanted "classify", found "detect"'],
    [{ task: 'classify', preprocessing: 7 }, 'metadata.vision.preprocessing: wanted an object, found 7'],
    [{ task: 'classify', preprocessing, labels: [1] }, 'metadata.vision.labels[0]: wanted a text, found 1'],
    [{ task: 'classify', preprocessing, activation: 'relu' }, 'metadata.vision.activation: wanted "softmax" or "none"'],
    [{ task: 'classify', preprocessing: { ...preprocessing, width: 9 } }, "the size of the model's input, 8 × 6"],
  ])('explains what is wrong with the metadata %j', (vision, message) => {
    const make = () => new Classifier(fake([0, 1], { metadata: { vision } }));
    expect(make).toThrow(message);
    expect(make).toThrow(expect.objectContaining({ code: 'invalid-model' }));
  });

  it.each([
    [
      [1, 6, 8, 2],
      [1, 2],
    ],
    [
      [2, 6, 8, 3],
      [2, 2],
    ],
    [
      [1, 18],
      [1, 2],
    ],
    [
      [1, 6, 8, 3],
      [1, 5, 85],
    ],
    [
      [1, 6, 8, 3],
      [1, 1],
    ],
  ])('is not made of a model from %j to %j', (input, output) => {
    const model = fake([0, 1], {
      inputs: [{ name: 'in', dtype: 'float32', shape: input }],
      outputs: [{ name: 'out', dtype: 'float32', shape: output }],
    });
    const make = () => new Classifier(model, { preprocessing: 'none' });
    expect(make).toThrow(`fake.filigree: not a photo classifier`);
    expect(make).toThrow(`in [${input.join(', ')}], its outputs out [${output.join(', ')}]`);
    expect(make).toThrow(expect.objectContaining({ code: 'unsupported' }));
  });
});

describe('recogniseClassifier', () => {
  const outputs = [{ name: 'y', dtype: 'uint8', shape: [1, 1001] }] as const;
  const input = (dtype: 'uint8' | 'int8' | 'float32', quantization?: { scale: number; zeroPoint: number }) =>
    [{ name: 'x', dtype, shape: [1, 224, 224, 3], quantization }] as const;
  const ends = (...given: Parameters<typeof recogniseClassifier>) => {
    const { scale, offset } = recogniseClassifier(...given)!.preprocessing!;
    return [offset[0], 255 * scale[0] + offset[0]];
  };

  it('takes bytes as quantised inputs have them', () => {
    // uint8, scale 1/128, zero 128: (b − 128) / 128. int8, scale 1/127.5, zero −1: (b − 128 + 1) / 127.5.
    expect(ends(input('uint8', { scale: 1 / 128, zeroPoint: 128 }), outputs)).toEqual([-1, 127 / 128]);
    const [black, white] = ends(input('int8', { scale: 1 / 127.5, zeroPoint: -1 }), outputs);
    expect(black).toBeCloseTo(-127 / 127.5, 12);
    expect(white).toBeCloseTo(128 / 127.5, 12);
  });

  it('takes the names of classes from the file, where there are as many', () => {
    const two = [{ name: 'y', dtype: 'float32', shape: [1, 2] }] as const;
    const recognise = (metadata: Record<string, unknown>) => recogniseClassifier(input('float32'), two, metadata);
    const vision = { task: 'classify', labels: ['cat', 'dog'] };
    expect(recognise({ onnx: { names: "{0: 'cat', 1: 'dog'}" } })).toEqual(vision);
    expect(recognise({ tflite: { labels: ['background', 'cat', 'dog'] } })).toEqual(vision);
    expect(recognise({ onnx: { names: "['cat']" } })).toBeUndefined();
    expect(recognise({ tflite: { labels: ['cat'] } })).toBeUndefined();
  });

  it('does not guess what float inputs want', () => {
    expect(recogniseClassifier(input('float32'), outputs)).toBeUndefined();
    expect(recogniseClassifier(input('uint8'), outputs)).toBeUndefined();
    const boxes = [...outputs, { name: 'boxes', dtype: 'float32', shape: [1, 10, 4] }] as const;
    expect(recogniseClassifier(input('uint8', { scale: 1, zeroPoint: 0 }), boxes)).toBeUndefined();
  });
});

describe('a classifier of ImageNet that says nothing of itself', () => {
  const of = (classes: number, more: Partial<ImageModel> = {}, settings: ClassifierSettings = {}) =>
    Classifier.of(
      fake(
        Array.from({ length: classes }, () => 0),
        more,
      ),
      settings,
    );

  it('has its names and the usual preprocessing, and says so', async () => {
    const keras = await of(1000);
    expect([keras.labels[0], keras.labels[388], keras.labels[999]]).toEqual(['tench', 'giant panda', 'toilet tissue']);
    expect(keras.preprocessing).toMatchObject({ width: 8, height: 6, order: 'RGB', offset: [-1, -1, -1] });
    expect(keras.notes.join()).toMatch(/none of its 1000 classes.*assumed is "mobilenet"/);
    const torch = await of(1000, { inputs: [{ name: 'x', dtype: 'float32', shape: [1, 3, 6, 8] }] });
    expect(torch.preprocessing.scale[0]).toBeCloseTo(1 / (0.229 * 255), 9);
    expect(torch.notes.join()).toContain('assumed is "imagenet"');
    const google = await of(1001);
    expect([google.labels[0], google.labels[389]]).toEqual(['background', 'giant panda']);
    expect(new Set(keras.labels).size).toBeGreaterThan(990); // two of cranes, two of maillots
  });

  it('only where neither it nor its settings say', async () => {
    const names = Array.from({ length: 1000 }, (_, i) => `thing ${i}`);
    const own = await of(1000, {}, { labels: names, preprocessing: 'none' });
    expect([own.labels[7], own.notes]).toEqual(['thing 7', []]);
    const vision = { task: 'classify', preprocessing, labels: names };
    const said = await of(1000, { metadata: { vision } });
    expect([said.labels[7], said.preprocessing, said.notes]).toEqual(['thing 7', preprocessing, []]);
    await expect(of(999)).rejects.toThrow('does not say how photos become its input');
  });
});
