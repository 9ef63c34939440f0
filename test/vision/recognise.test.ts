import { describe, expect, it } from 'vitest';
import type { TensorDescription } from '../../src/vision/fields.ts';
import { decoderOf } from '../../src/vision/heads/index.ts';
import { onnxFacts } from '../../src/vision/onnx-facts.ts';
import { headPresets } from '../../src/vision/presets.ts';
import { headNames, type HeadName } from '../../src/vision/head-names.ts';
import { recognise, visionOf, visionWithHead } from '../../src/vision/recognise.ts';
import { readVisionMetadata } from '../../src/vision/metadata.ts';

const tensor = (name: string, ...shape: number[]): TensorDescription => ({ name, dtype: 'float32', shape });

function model(size: number, outputs: TensorDescription[], onnx?: Record<string, string>, channelsLast = false) {
  const shape = channelsLast ? [1, size, size, 3] : [1, 3, size, size];
  return { name: 'net.onnx', inputs: [tensor('images', ...shape)], outputs, metadata: onnx ? { onnx } : {} };
}

/** What Ultralytics writes into its files. */
function ultralytics(version: string, names: string[], task = 'detect') {
  return {
    description: `Ultralytics ${version} model trained on coco.yaml`,
    author: 'Ultralytics',
    stride: '32',
    task,
    batch: '1',
    imgsz: '[640, 640]',
    names: `{${names.map((name, i) => `${i}: '${name}'`).join(', ')}}`,
  };
}

const yolov5Maps = (size: number, channels: number) =>
  [8, 16, 32].map((stride) => tensor(`p${stride}`, 1, channels, size / stride, size / stride));

describe('recognise', () => {
  const sure: [string, ReturnType<typeof model>, HeadName, object][] = [
    [
      'YOLOX-nano',
      model(416, [tensor('output', 1, 3549, 85)]),
      'yolox',
      { type: 'yolo', boxes: 'grid', objectness: true },
    ],
    ['YOLOX-s', model(640, [tensor('output', 1, 8400, 85)]), 'yolox', { strides: [8, 16, 32] }],
    ['YOLOv8', model(640, [tensor('output0', 1, 84, 8400)]), 'yolov8', { channelsFirst: true, boxes: 'pixels' }],
    [
      'YOLOv8 transposed',
      model(640, [tensor('output0', 1, 8400, 84)]),
      'yolov8',
      { channelsFirst: false, objectness: false },
    ],
    ['YOLOv8 in TFLite', model(640, [tensor('x', 1, 84, 8400)], undefined, true), 'yolov8', { boxes: 'fractions' }],
    ['YOLOv8 of 3 classes', model(320, [tensor('output0', 1, 7, 2100)]), 'yolov8', { channelsFirst: true }],
    [
      'YOLO26',
      model(
        640,
        [tensor('output0', 1, 300, 6)],
        ultralytics(
          'YOLO26n',
          Array.from({ length: 80 }, (_, i) => `thing ${i}`),
        ),
      ),
      'end-to-end',
      { type: 'end-to-end', output: 'output0', boxes: 'pixels' },
    ],
    ['YOLOv10 without names', model(640, [tensor('output0', 1, 300, 6)]), 'end-to-end', { boxes: 'pixels' }],
    ['YOLOv10 in TFLite', model(640, [tensor('x', 1, 300, 6)], undefined, true), 'end-to-end', { boxes: 'fractions' }],
    ['YOLO26 for many anchors', model(640, [tensor('output0', 1, 84, 8400)]), 'yolov8', { channelsFirst: true }],
    [
      'YOLOv8 undecoded',
      model(640, [tensor('y', 1, 144, 8400)]),
      'yolov8-dfl',
      { type: 'gfl', bins: 16, distances: 'before' },
    ],
    [
      'YOLOv8 maps',
      model(
        640,
        [80, 40, 20].map((n) => tensor(`m${n}`, 1, 144, n, n)),
      ),
      'yolov8-dfl',
      { outputs: ['m80', 'm40', 'm20'], channelsFirst: true },
    ],
    ['YOLOv5', model(640, [tensor('output0', 1, 25200, 85)]), 'yolov5', { objectness: true, boxes: 'pixels' }],
    [
      'YOLOv5 with its maps beside',
      model(640, [tensor('output', 1, 25200, 85), ...[80, 40, 20].map((n) => tensor(`m${n}`, 1, 3, n, n, 85))]),
      'yolov5',
      { output: 'output' },
    ],
    [
      'NanoDet-Plus',
      model(416, [tensor('output', 1, 3598, 112)]),
      'nanodet',
      { bins: 8, centre: 0, strides: [8, 16, 32, 64] },
    ],
    ['NanoDet', model(320, [tensor('output', 1, 2100, 112)]), 'nanodet', { centre: 0.5, distances: 'after' }],
    [
      'NanoDet with its levels apart',
      model(416, [
        ...[2704, 676, 169].map((cells) => tensor(`c${cells}`, 1, cells, 80)),
        ...[2704, 676, 169].map((cells) => tensor(`d${cells}`, 1, cells, 32)),
      ]),
      'nanodet',
      {
        outputs: ['c2704', 'c676', 'c169'],
        distances: ['d2704', 'd676', 'd169'],
        centre: 0.5,
        bins: 8,
        activation: 'none',
        strides: [8, 16, 32],
      },
    ],
    [
      'NanoDet with its levels apart, in another order and without an axis of 1',
      model(
        320,
        [1600, 400, 100].flatMap((cells) => [tensor(`d${cells}`, cells, 32), tensor(`c${cells}`, cells, 80)]).reverse(),
      ),
      'nanodet',
      { outputs: ['c1600', 'c400', 'c100'], distances: ['d1600', 'd400', 'd100'] },
    ],
    [
      'PicoDet',
      model(320, [
        ...[1600, 400, 100, 25].map((cells, i) => tensor(`scale_${i}`, 1, cells, 80)),
        ...[1600, 400, 100, 25].map((cells, i) => tensor(`scale_${4 + i}`, 1, cells, 32)),
      ]),
      'picodet',
      {
        outputs: ['scale_0', 'scale_1', 'scale_2', 'scale_3'],
        distances: ['scale_4', 'scale_5', 'scale_6', 'scale_7'],
        centre: 0.5,
        bins: 8,
        activation: 'none',
        strides: [8, 16, 32, 64],
      },
    ],
    [
      'PicoDet of 32 classes',
      model(320, [
        ...[1600, 400, 100, 25].map((cells, i) => tensor(`scale_${i}`, 1, cells, 32)),
        ...[1600, 400, 100, 25].map((cells, i) => tensor(`scale_${4 + i}`, 1, cells, 32)),
      ]),
      'picodet',
      { outputs: ['scale_0', 'scale_1', 'scale_2', 'scale_3'] },
    ],
  ];

  it.each(sure)('%s', async (_, described, name, head) => {
    const vision = visionOf(described);
    expect(vision.head).toMatchObject(head);
    expect(vision.labels).toHaveLength(vision.labels.length === 0 ? 0 : 80);
    expect(vision).toEqual(visionWithHead(described, name));
    expect(readVisionMetadata(JSON.parse(JSON.stringify({ vision })))).toEqual(vision);
    await decoderOf(vision.head, vision.preprocessing, described.outputs);
  });

  it('preprocesses as the makers do', () => {
    const value = (described: ReturnType<typeof model>, byte: number, channel: number) => {
      const { scale, offset } = visionOf(described).preprocessing;
      return byte * scale[channel] + offset[channel];
    };
    const yolox = sure[0][1];
    expect(visionOf(yolox).preprocessing).toMatchObject({ resize: 'letterbox-top-left', padValue: 114, order: 'BGR' });
    expect(value(yolox, 200, 1)).toBe(200);
    const yolov8 = sure[2][1];
    expect(visionOf(yolov8).preprocessing).toMatchObject({ resize: 'letterbox', padValue: 114, order: 'RGB' });
    expect(value(yolov8, 255, 2)).toBe(1);
    const named = (title: string) => sure.find(([other]) => other === title)![1];
    expect(value(named('NanoDet'), 103.53 + 57.375, 0)).toBeCloseTo(1, 12); // blue
    expect(visionOf(named('NanoDet with its levels apart')).preprocessing).toMatchObject({
      resize: 'stretch',
      order: 'BGR',
    });
    const picodet = named('PicoDet');
    expect(visionOf(picodet).preprocessing).toMatchObject({ width: 320, resize: 'stretch', order: 'RGB' });
    expect(value(picodet, 123.675 + 58.395, 0)).toBeCloseTo(1, 12); // red
  });

  it.each([
    ['levels of different classes', [80, 79, 80, 80], [32, 32, 32, 32]],
    ['a level without distances', [80, 80, 80, 80], [32, 32, 32, 31]],
    ['one level of distances too few', [80, 80, 80, 80], [32, 32, 32]],
  ])('finds no PicoDet in %s', (_, classes, distances) => {
    const cells = [1600, 400, 100, 25];
    const outputs = [classes, distances].flatMap((widths, k) =>
      widths.map((width, i) => tensor(`out${k}${i}`, 1, cells[i], width)),
    );
    expect(recognise(model(320, outputs))).toEqual({ choices: [] });
  });

  it.each([
    ['YOLOX or YOLOv8 or …', model(416, [tensor('out', 1, 3549, 12)]), ['yolox', 'yolox-decoded', 'yolov8']],
    ['YOLOv5 or YOLOv7', model(640, yolov5Maps(640, 255)), ['yolov8-dfl', 'yolov5-maps', 'yolov7-maps']],
    [
      'SSD',
      model(300, [tensor('a', 1, 1917, 4), tensor('b', 1, 1917, 91)]),
      ['ssd', 'ssd-sigmoid', 'ssd-softmax', 'ssd-corners'],
    ],
    ['boxes and scores', model(240, [tensor('scores', 1, 4420, 2), tensor('boxes', 1, 4420, 4)]), ['ssd-corners']],
    [
      'CenterNet',
      model(512, [tensor('hm', 1, 80, 128, 128), tensor('wh', 1, 2, 128, 128), tensor('reg', 1, 2, 128, 128)]),
      ['centernet-sigmoid', 'centernet'],
    ],
  ])('lists the choices for %s', async (_, described, choices) => {
    expect(recognise(described)).toEqual({ choices });
    expect(() => visionOf(described)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
    expect(() => visionOf(described)).toThrow(`(--head): "${choices.join('" or "')}"`);
    for (const name of choices as HeadName[]) {
      const { head, preprocessing } = visionOf(described, name);
      await decoderOf(head, preprocessing, described.outputs);
    }
  });

  it('follows the metadata of the file', () => {
    const names = ['cat', 'dog', "driver's hat"];
    const ambiguous = [tensor('output0', 1, 3549, 7)]; // YOLOX of two classes, YOLOv8 of three
    expect(recognise(model(416, ambiguous)).choices).toContain('yolox');
    const vision = visionOf(model(416, ambiguous, { names: `['cat', 'dog', "driver's hat"]` }));
    expect(vision.head).toMatchObject({ objectness: false });
    expect(vision.labels).toEqual(names);
    const maps = yolov5Maps(640, 255);
    expect(visionOf(model(640, maps, { description: 'yolov7-tiny' })).head).toMatchObject({
      anchors: [[12, 16, 19, 36, 40, 28], {}, {}],
    });
    const v11 = model(640, [tensor('output0', 1, 7, 8400)], ultralytics('YOLO11n', ['a', 'b', 'c']));
    expect(visionOf(v11).labels).toEqual(['a', 'b', 'c']);
  });

  it('uses the labels and normalisation of a TFLite file', () => {
    const named = (labels: string[], more = {}) => ({
      ...model(416, [tensor('output', 1, 3549, 7)], undefined, true),
      metadata: { tflite: { labels, ...more } },
    });
    const classes = ['a', 'b', 'c'];
    const normalization = { mean: [127.5], std: [1, 2, 4] };
    const vision = visionOf(named(['???', ...classes], { normalization }), 'yolov8');
    expect(vision.labels).toEqual(classes);
    expect(vision.preprocessing).toMatchObject({ scale: [1, 0.5, 0.25], offset: [-127.5, -63.75, -31.875] });
    expect(visionOf(named(classes)).head).toMatchObject({ objectness: false }); // YOLOv8 of three classes
    expect(visionOf(named(classes.slice(0, 2))).head).toMatchObject({ objectness: true }); // YOLOX of two
    expect(recognise(named(['a', 'b', 'c', 'd', 'e', 'f'])).choices).toContain('yolox'); // labels of something else
    expect(recognise(named(classes, { task: 'segment' }))).toEqual({ choices: [] });
    // An artifact's metadata may hold anything.
    for (const tflite of [null, 7, { labels: 'a' }, { labels: [1], normalization: { mean: [1], std: [0] } }]) {
      const untrusted = { ...named([]), metadata: { tflite } };
      expect(visionOf(untrusted, 'yolov8').preprocessing).toMatchObject({ offset: [0, 0, 0] });
    }
  });

  it('knows poses, masks and oriented boxes by what the file says', () => {
    const pose = [tensor('output0', 1, 56, 8400)];
    const said = { ...ultralytics('YOLOv8n-pose', ['person'], 'pose'), kpt_shape: '[17, 3]' };
    expect(visionOf(model(640, pose, said))).toMatchObject({
      head: { type: 'yolo-pose', channelsFirst: true, keypoints: { count: 17, values: 3 }, place: 'after' },
      labels: ['person'],
    });
    const claws = { ...ultralytics('YOLO11n-pose', ['crab', 'crayfish'], 'pose'), kpt_shape: '[3, 2]' };
    expect(visionOf(model(640, [tensor('output0', 1, 12, 8400)], claws)).head).toMatchObject({
      keypoints: { count: 3, values: 2 },
    });
    const segment = [tensor('output0', 1, 116, 8400), tensor('output1', 1, 32, 160, 160)];
    expect(visionOf(model(640, segment)).head).toMatchObject({
      type: 'yolo-seg',
      prototypes: 'output1',
      objectness: false,
    });
    expect(visionOf(model(640, segment)).labels).toHaveLength(80);
    const yolov5 = [tensor('output0', 1, 25200, 117), tensor('output1', 1, 32, 160, 160)];
    expect(visionOf(model(640, yolov5)).head).toMatchObject({ type: 'yolo-seg', objectness: true });
    const planes = ultralytics('YOLO11n-obb', ['plane', 'ship'], 'obb');
    expect(visionOf(model(640, [tensor('output0', 1, 7, 8400)], planes)).head).toMatchObject({ type: 'yolo-obb' });
  });

  it('knows the objects that a network has chosen itself', () => {
    const rows = (width: number) => [tensor('output0', 1, 300, width)];
    expect(visionOf(model(640, rows(6)))).toMatchObject({ head: { type: 'end-to-end', boxes: 'pixels' }, labels: [] });
    const cats = visionOf(model(640, rows(6), ultralytics('YOLO26n', ['cat', 'dog'])));
    expect(cats).toMatchObject({ head: { classes: 2 }, labels: ['cat', 'dog'] });
    const seg = [...rows(38), tensor('output1', 1, 32, 160, 160)];
    expect(visionOf(model(640, seg, ultralytics('YOLO26n-seg', ['cat'], 'segment'))).head).toMatchObject({
      prototypes: 'output1',
    });
    const body = { ...ultralytics('YOLO26n-pose', ['person'], 'pose'), kpt_shape: '[17, 3]' };
    expect(visionOf(model(640, rows(57), body)).head).toMatchObject({ keypoints: { count: 17, values: 3 } });
    expect(visionOf(model(640, rows(7), ultralytics('YOLO26n-obb', ['ship'], 'obb'))).head).toMatchObject({
      angle: true,
    });
  });

  it('asks where nothing says whether numbers are classes or keypoints', () => {
    const unknown = model(640, [tensor('output0', 1, 56, 8400)]);
    expect(recognise(unknown).choices).toEqual(['yolov8', 'yolov8-pose']);
    expect(() => visionOf(unknown)).toThrow('(--head): "yolov8" or "yolov8-pose"');
    expect(recognise(model(640, [tensor('output', 1, 25200, 16)])).choices).toEqual(['yolov5', 'yolov5-face']);
    const faces = recognise(model(640, yolov5Maps(640, 3 * 16))).choices;
    expect(faces).toEqual(['yolov5-face-maps', 'yolov5-maps', 'yolov7-maps']);
  });

  it("knows Seeed's YOLOv5 by its scores in percent, in TFLite files too", () => {
    const tail = { operators: new Set(['sigmoid', 'mul', 'concat']), seams: [[], [], [2, 4]], percent: true };
    const file = model(192, [tensor('out', 1, 2268, 6)]);
    const seeed = { ...file, metadata: { tflite: {} }, tails: new Map([['out', tail]]) };
    expect(visionOf(seeed).head).toMatchObject({ type: 'yolo', objectness: true, boxes: 'pixels', percent: true });
    const shares = { ...seeed, tails: new Map([['out', { ...tail, percent: false }]]) };
    expect(recognise(shares).vision?.head).not.toMatchObject({ percent: true });
  });

  it('knows detectors of faces', () => {
    const anchors = (n: number, ...widths: number[]) => widths.map((width) => tensor(`o${width}`, 1, n, width));
    const ultraface = { ...model(0, anchors(4420, 2, 4)), inputs: [tensor('input', 1, 3, 240, 320)] };
    const withTail = (operators: string[]) => ({
      ...ultraface,
      tails: new Map(
        ultraface.outputs.map(({ name }) => [name, { operators: new Set(operators), seams: [], percent: false }]),
      ),
    });
    expect(visionOf(withTail(['softmax', 'exp']))).toMatchObject({
      head: { type: 'ssd', coding: 'xyxy' },
      labels: ['face'],
    });
    expect(visionOf(withTail(['softmax', 'concat'])).head).toMatchObject({ type: 'prior-boxes', activation: 'none' });
    expect(visionOf(withTail(['concat'])).head).toMatchObject({ type: 'prior-boxes', activation: 'softmax' });
    expect(recognise(ultraface).choices).toEqual(['ssd-corners', 'ultraface', 'ultraface-undecoded']);
    expect(visionOf(model(640, anchors(16800, 4, 2, 10))).head).toMatchObject({
      type: 'prior-boxes',
      strides: [8, 16, 32],
    });
    expect(visionOf(model(640, anchors(16800, 16))).head).toMatchObject({
      scores: { first: 4 },
      keypoints: { first: 6 },
    });
    // 160 × 120: levels of 20 × 15, 10 × 7, 5 × 3 and 2 × 1 cells
    const yunet2022 = { ...model(0, anchors(900 + 140 + 30 + 6, 14, 2, 1)), inputs: [tensor('input', 1, 3, 120, 160)] };
    expect(visionOf(yunet2022).head).toMatchObject({ overlap: { output: 'o1' }, whole: true });
    const levels = (perCell: number, ...widths: number[]) =>
      widths.flatMap((width, k) => [1600, 400, 100].map((n) => tensor(`${k}/${width}/${n}`, 1, n * perCell, width)));
    const yunet = visionOf(model(320, levels(1, 1, 1, 4, 10)));
    expect(yunet).toMatchObject({
      head: { type: 'yunet' },
      preprocessing: { order: 'BGR', resize: 'letterbox-top-left' },
    });
    expect(visionOf(model(320, levels(2, 1, 4, 10))).head).toMatchObject({ type: 'scrfd', anchorsPerCell: 2 });
    expect(visionOf(model(320, levels(2, 1, 4))).head).not.toHaveProperty('keypoints');
  });

  it('knows small detectors', () => {
    expect(visionOf(model(352, [tensor('758', 1, 85, 22, 22)]))).toMatchObject({
      head: { type: 'fastestdet' },
      preprocessing: { order: 'BGR' },
    });
    expect(visionOf(model(352, [tensor('out', 605, 95)])).head).toMatchObject({
      type: 'yolo-fastest',
      outputs: ['out'],
    });
    const maps = [tensor('a', 1, 22, 22, 95), tensor('b', 1, 11, 11, 95)];
    expect(visionOf(model(352, maps)).head).toMatchObject({ outputs: ['a', 'b'], strides: [16, 32] });
    const thunder = { ...model(256, [tensor('out', 1, 1, 17, 3)], undefined, true) };
    expect(visionOf(thunder)).toMatchObject({
      head: { type: 'movenet' },
      labels: ['person'],
      preprocessing: { scale: [1, 1, 1] },
    });
    expect(visionOf({ ...thunder, outputs: [tensor('out', 1, 6, 56)] }).head).toMatchObject({ type: 'movenet' });
    const fomo = model(96, [tensor('out', 1, 12, 12, 3)], undefined, true);
    expect(recognise(fomo).choices).toEqual(['fomo']);
    expect(visionOf(fomo, 'fomo').head).toMatchObject({ type: 'fomo', channelsFirst: false });
  });

  it('takes MTCNN for no detector of boxes and scores', () => {
    expect(recognise(model(480, [tensor('p', 1, 4, 235, 235), tensor('q', 1, 2, 235, 235)]))).toEqual({ choices: [] });
    expect(recognise(model(480, [tensor('p', 1, 235, 235, 4), tensor('q', 1, 235, 235, 2)], undefined, true))).toEqual({
      choices: [],
    });
  });

  it('gives an input of plain integers a photo’s bytes', () => {
    const described = model(320, [tensor('output0', 1, 84, 2100)]);
    const inputs = [{ ...described.inputs[0], dtype: 'uint8' as const }];
    expect(visionOf({ ...described, inputs }).preprocessing).toMatchObject({ scale: [1, 1, 1], offset: [0, 0, 0] });
    const quantised = [{ ...inputs[0], quantization: { scale: 1 / 255, zeroPoint: 0 } }];
    expect(visionOf({ ...described, inputs: quantised }).preprocessing.scale[0]).toBeCloseTo(1 / 255, 9);
  });

  it('goes by where the graph puts its numbers together', () => {
    const withSeams = (width: number, axis: number, seams: number[], shape = [1, width, 8400]) => ({
      ...model(640, [tensor('out', ...shape)]),
      tails: new Map([
        [
          'out',
          { operators: new Set(['concat']), seams: shape.map((_, i) => (i === axis ? seams : [])), percent: false },
        ],
      ]),
    });
    expect(visionOf(withSeams(56, 1, [4, 5])).head).toMatchObject({ type: 'yolo-pose', keypoints: { count: 17 } });
    expect(visionOf(withSeams(56, 1, [2, 4])).head).toMatchObject({ type: 'yolo' });
    // YOLOX joins boxes, objectness and classes
    expect(visionOf(withSeams(85, 2, [4, 5], [1, 8400, 85])).head).toMatchObject({ type: 'yolo', objectness: true });
    expect(visionOf(withSeams(6, 2, [4, 5], [1, 8400, 6])).head).toMatchObject({ type: 'yolo', objectness: true });
    expect(visionOf(withSeams(56, 2, [4, 5], [1, 8400, 56])).head).toMatchObject({ type: 'yolo', objectness: true });
    expect(visionOf(withSeams(20, 1, [4, 19])).head).toMatchObject({ type: 'yolo-obb' });
    const face = withSeams(16, 2, [2, 4, 5, 7, 9, 11, 13, 15], [1, 25200, 16]);
    expect(visionOf(face)).toMatchObject({ head: { type: 'yolo-pose', place: 'before' }, labels: ['face'] });
    expect(visionOf(withSeams(16, 2, [2, 4], [1, 25200, 16])).head).toMatchObject({ type: 'yolo' });
    const yolov7 = withSeams(57, 2, [2, 4, 6], [1, 25200, 57]);
    expect(visionOf(yolov7)).toMatchObject({ head: { type: 'yolo-pose', objectness: true }, labels: ['person'] });
  });

  it('knows other tasks for no detection', () => {
    const classes = [tensor('output0', 1, 84, 8400)];
    expect(recognise(model(640, classes, ultralytics('YOLOv8n-cls', ['a'], 'classify')))).toEqual({ choices: [] });
  });

  it.each([
    ['a classifier', [tensor('prob', 1, 1000)]],
    ['a sentence', [tensor('out', 1, 128, 768)]],
    ['a segmentation', [tensor('out', 1, 21, 224, 224)]],
    ['two maps', [tensor('a', 1, 3, 56, 56), tensor('b', 1, 3, 28, 28)]],
    ['integers', [{ name: 'out', dtype: 'int32' as const, shape: [1, 84, 1029] }]],
  ])('does not know %s', (what, outputs) => {
    expect(recognise(model(224, outputs))).toEqual({ choices: [] });
    expect(() => visionOf(model(224, outputs))).toThrow(
      what === 'a classifier'
        ? 'net.onnx: a classifier, not a detector'
        : 'net.onnx: not a detector that Filigree knows',
    );
  });

  it('recognises models that take grey images', () => {
    for (const input of [tensor('x', 1, 1, 640, 640), tensor('x', 1, 640, 640, 1)]) {
      const { vision } = recognise({ ...model(640, [tensor('o', 1, 84, 8400)]), inputs: [input] });
      expect(vision).toMatchObject({ head: { type: 'yolo' }, preprocessing: { width: 640, height: 640 } });
    }
    const fomo = { ...model(96, [tensor('out', 1, 12, 12, 2)]), inputs: [tensor('x', 1, 96, 96, 1)] };
    expect(visionOf(fomo, 'fomo').head).toMatchObject({ type: 'fomo', channelsFirst: false });
  });

  it('does not recognise models without an image input', () => {
    const { inputs, ...rest } = model(640, [tensor('o', 1, 84, 8400)]);
    expect(recognise({ ...rest, inputs: [...inputs, ...inputs] })).toEqual({ choices: [] });
    expect(recognise({ ...rest, inputs: [tensor('x', 1, 2, 640, 640)] })).toEqual({ choices: [] });
  });

  it('knows the SSD of Objectron, its labels too', async () => {
    const outputs = [
      tensor('raw_outputs/box_encodings', 1, 1917, 4),
      tensor('raw_outputs/class_predictions', 1, 1917, 24),
    ];
    const vision = visionOf(model(300, outputs, undefined, true));
    expect(vision.labels).toHaveLength(23);
    expect([vision.labels[0], vision.labels[3], vision.labels[22]]).toEqual(['Bicycle', 'Person', 'Car']);
    await decoderOf(vision.head, vision.preprocessing, outputs);
  });
});

describe('a named head', () => {
  it('must fit', () => {
    const described = model(640, [tensor('out', 1, 84, 8400)]);
    expect(() => visionWithHead(described, 'yolov5')).toThrow(
      'net.onnx: head "yolov5" needs one image as input and an output [1, 3 · cells, 5 + classes]; the model has inputs ' +
        'images [1, 3, 640, 640] and outputs out [1, 84, 8400]',
    );
    expect(() => visionWithHead(described, 'toString' as HeadName)).toThrow(
      'head: wanted "yolox" or "yolox-decoded" or ',
    );
  });

  it('has a preset with its preprocessing', () => {
    expect(headNames).toContain('yolov8');
    for (const name of headNames)
      expect(headPresets[name].wants).toMatch(/^(an output|outputs|maps|two outputs|three maps)/);
  });

  it('need not be the one that would be recognised', () => {
    const yolox = model(416, [tensor('output', 1, 3549, 85)]);
    expect(visionOf(yolox, 'yolox-decoded').head).toMatchObject({ boxes: 'pixels', objectness: true });
  });
});

describe('metadata of ONNX files', () => {
  it('is assembled from the parts that exist', () => {
    expect(onnxFacts({})).toEqual({ description: '' });
    expect(onnxFacts({ onnx: 'x', producer: 'pytorch' })).toEqual({ description: 'pytorch' });
    const facts = onnxFacts({ onnx: ultralytics('YOLOv8n', ['a']) });
    expect(facts).toMatchObject({ task: 'detect', labels: ['a'] });
    expect(facts.description).toContain('YOLOv8n');
  });
});
