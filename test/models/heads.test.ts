// Published detectors, whole: recognised from their files alone; what they find in a photograph against what another runtime's
// outputs say, and against what their makers' decoding of those found (the zoo's MANIFEST).
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { compileGraph, importModel } from '../../src/compile.ts';
import { writeArtifact } from '../../src/artifact/write.ts';
import { decodeImage } from '../../src/images/decode.ts';
import { loadModel } from '../../src/runtime/load.ts';
import { elementCount, Tensor } from '../../src/tensor.ts';
import { createDetector } from '../../src/vision/create.ts';
import type { Detection } from '../../src/vision/detection.ts';
import { tensorOutputs } from '../../src/vision/outputs.ts';
import { imageGeometry } from '../../src/vision/preprocessing.ts';
import { runImage } from '../../src/vision/run-image.ts';
import { dataPath, describeWithData } from '../data.ts';
import { runPeer } from '../peers/index.ts';

const faces = fileURLToPath(new URL('../../node_modules/@vladmandic/face-api/demo/sample5.jpg', import.meta.url));
const horse = dataPath('coco-val-160/images/000000012748.jpg');

/** What a detector finds in a photograph, and what it reads from a peer's outputs on the very same input. */
async function bothOn(file: string, photograph: string, scoreThreshold?: number) {
  const bytes = new Uint8Array(readFileSync(file));
  const name = path.basename(file);
  const graph = importModel(bytes, name);
  // the input is observed as an output of a network that gives it back
  const [{ value, permutation }] = graph.inputs;
  const echo = importModel(bytes, name);
  echo.nodes = [];
  echo.outputs = [{ value, name: 'echo', dtype: 'float32', permutation }];
  echo.values = new Map([[value, echo.values.get(value)!]]);
  const photo = await decodeImage(new Uint8Array(readFileSync(photograph)), { name: photograph });
  const model = await loadModel(writeArtifact(compileGraph(graph)));
  using detector = await createDetector(model, { scoreThreshold });
  const { detections } = await detector.detect(photo);
  using reader = await loadModel(writeArtifact(compileGraph(echo)));
  const { outputs } = await runImage(reader, photo, detector.preprocessing);
  const { outputs: peers } = await runPeer(file.endsWith('.onnx') ? 'onnxruntime' : 'tfjs-tflite', file, [
    outputs.echo.data as Float32Array,
  ]);
  const tensors = Object.fromEntries(
    model.outputs.map((output, i) => {
      const own = peers.find((peer) => peer.name === output.name) ?? peers[i];
      expect(own.data.length, output.name).toBe(elementCount(output.shape));
      return [output.name, new Tensor('float32', output.shape, own.data)];
    }),
  );
  const theirs = detector.find(tensorOutputs(tensors), imageGeometry(photo, detector.preprocessing));
  return { detections, theirs };
}

/** Corners and keypoints within a hundredth of a pixel, scores within 1e-4, masks but for pixels at their edge. */
function expectSame(found: Detection[], wanted: Detection[]): void {
  expect(found.map(({ label }) => label)).toEqual(wanted.map(({ label }) => label));
  found.forEach(({ box, score, keypoints = [] }, i) => {
    expect(Math.abs(score - wanted[i].score)).toBeLessThan(1e-4);
    for (const [side, v] of Object.entries(box)) {
      expect(Math.abs(v - wanted[i].box[side as keyof typeof box]), `${i} ${side}`).toBeLessThan(0.05);
    }
    expect(keypoints.length).toBe(wanted[i].keypoints?.length ?? 0);
    keypoints.forEach(({ x, y, score: s = 0 }, k) => {
      const other = wanted[i].keypoints![k];
      expect(Math.hypot(x - other.x, y - other.y)).toBeLessThan(0.05);
      expect(Math.abs(s - (other.score ?? 0))).toBeLessThan(1e-4);
    });
  });
}

type Corners = [xmin: number, ymin: number, xmax: number, ymax: number];

function overlap({ xmin, ymin, xmax, ymax }: Detection['box'], [left, top, right, bottom]: Corners): number {
  const common =
    Math.max(0, Math.min(xmax, right) - Math.max(xmin, left)) *
    Math.max(0, Math.min(ymax, bottom) - Math.max(ymin, top));
  return common / ((xmax - xmin) * (ymax - ymin) + (right - left) * (bottom - top) - common);
}

// Their makers' preprocessing resizes a little differently than ours: boxes overlap by so much, scores are as close.
const sameBox = 0.85;
const sameScore = 0.05;

type Wanted = [label: string, score: number, ...Corners];

function expectNear(detections: Detection[], wanted: Wanted[]): void {
  for (const [label, score, ...box] of wanted) {
    const found = detections.find((d) => d.label === label && overlap(d.box, box) > sameBox);
    expect(found, `${label} at ${box.join(', ')}`).toBeDefined();
    expect(Math.abs(found!.score - score), `${label} at ${box.join(', ')}`).toBeLessThan(sameScore);
  }
}

describeWithData('published detectors', 'zoo', (zoo) => {
  it.each<[string, string, Wanted[]]>([
    [
      'picodet_s_416_coco.onnx',
      horse,
      [
        ['horse', 0.861, 0, 45, 239, 574],
        ['person', 0.852, 221, 182, 481, 640],
        ['person', 0.508, 221, 144, 360, 638],
      ],
    ],
    [
      'FastestDet.onnx',
      horse,
      [
        ['person', 0.902, 227, 188, 499, 638],
        ['person', 0.706, 204, 140, 377, 572],
        ['dog', 0.57, 0, 45, 249, 606],
      ],
    ],
    [
      'ultraface_RFB_320.onnx',
      faces,
      [
        ['face', 0.999, 1116, 209, 1277, 426],
        ['face', 0.999, 1412, 382, 1593, 661],
        ['face', 0.999, 796, 116, 952, 326],
        ['face', 0.994, 603, 416, 773, 672],
        ['face', 0.989, 373, 889, 552, 1166],
      ],
    ],
    [
      'yunet_n_320_320.onnx',
      faces,
      [
        ['face', 0.919, 1114, 217, 1275, 436],
        ['face', 0.918, 786, 114, 949, 327],
        ['face', 0.916, 1419, 405, 1601, 664],
        ['face', 0.911, 600, 427, 769, 675],
        ['face', 0.911, 367, 873, 567, 1173],
      ],
    ],
    [
      'blazeface_back_256.tflite',
      faces,
      [
        ['face', 0.912, 569, 453, 767, 651],
        ['face', 0.904, 775, 158, 942, 326],
        ['face', 0.89, 1116, 257, 1299, 440],
        ['face', 0.882, 1420, 438, 1632, 650],
        ['face', 0.799, 355, 938, 563, 1146],
      ],
    ],
  ])('%s', { timeout: 180_000 }, async (name, photograph, wanted) => {
    const { detections, theirs } = await bothOn(path.join(zoo, name), photograph);
    expectSame(detections, theirs);
    expectNear(detections, wanted);
  });

  it('yunet_n_320_320.onnx puts keypoints on eyes, nose and mouth', { timeout: 180_000 }, async () => {
    const { detections } = await bothOn(path.join(zoo, 'yunet_n_320_320.onnx'), faces);
    const face = detections.find(({ box }) => overlap(box, [1114, 217, 1275, 436]) > sameBox)!;
    const places = [
      [1147, 293],
      [1217, 293],
      [1172, 334],
      [1152, 374],
      [1214, 374],
    ];
    face.keypoints!.forEach(({ x, y }, k) => expect(Math.hypot(x - places[k][0], y - places[k][1])).toBeLessThan(10));
  });

  it('yolox_nano.onnx', { timeout: 180_000 }, async () => {
    const { detections, theirs } = await bothOn(dataPath('models/yolox_nano_coco/yolox_nano.onnx'), horse);
    expectSame(detections, theirs);
    expect(detections.map(({ label }) => label)).toEqual(['person', 'horse']);
  });

  // the peer rounds activations to eight bits as well
  it('yolo11n_int8.tflite', { timeout: 180_000 }, async () => {
    const { detections } = await bothOn(path.join(zoo, 'yolo11n_int8.tflite'), horse);
    expectNear(detections, [
      ['horse', 0.86, 2, 53, 239, 567],
      ['person', 0.79, 221, 169, 481, 638],
    ]);
  });

  it.each(['yolo26n_e2e_random.onnx', 'yolo26n_seg_e2e_random.onnx'])('%s', { timeout: 180_000 }, async (name) => {
    const { detections, theirs } = await bothOn(path.join(zoo, name), horse, 0.1);
    expect(detections.length).toBeGreaterThan(20);
    expectSame(detections, theirs);
    if (!name.includes('seg')) return;
    detections.forEach(({ mask, box }, i) => {
      const { data, ...place } = mask!;
      const [x, y] = [Math.floor(box.xmin), Math.floor(box.ymin)];
      expect(place).toEqual({ x, y, width: Math.ceil(box.xmax) - x, height: Math.ceil(box.ymax) - y });
      const other = theirs[i].mask!.data;
      const different = data.reduce((sum, v, at) => sum + Number(v !== other[at]), 0);
      expect(different).toBeLessThanOrEqual(data.length / 100); // at edges of the mask rounding decides
    });
    expect(detections.some(({ mask }) => mask!.data.includes(1) && mask!.data.includes(0))).toBe(true);
  });

  // weights are random: many boxes of no meaning, so that nothing is hidden by what a trained network leaves out
  it('yolov8n_pose_random.onnx', { timeout: 180_000 }, async () => {
    const { detections, theirs } = await bothOn(path.join(zoo, 'yolov8n_pose_random.onnx'), horse, 0.05);
    expect(detections.length).toBeGreaterThan(0);
    expect(detections[0].keypoints).toHaveLength(17);
    expect(detections[0].keypoints![5].name).toBe('left shoulder');
    expectSame(detections, theirs);
  });
});
