// Synthetic outputs of heads, and the results of a head on them.
import type { Input } from '../../../src/vision/fields.ts';
import type { Head } from '../../../src/vision/heads/head.ts';
import type { Decoder, HeadType } from '../../../src/vision/heads/head-type.ts';
import { headTypes } from '../../../src/vision/heads/index.ts';
import { tensorOutputs } from '../../../src/vision/outputs.ts';
import { Tensor, elementCount } from '../../../src/tensor.ts';
import { randomFloats } from '../../kernels/wasm.ts';

/** One candidate: what decoding in plain loops gives. */
export interface Box {
  box: number[];
  score: number;
  classIndex: number;
  /** x, y of each. */
  keypoints?: number[];
  keypointScores?: number[];
  angle?: number;
}

/** A float32 output; its numbers run from `least` to `most`. */
export function randomOutput(seed: number, shape: number[], least = -1, most = 1): Tensor {
  const values = randomFloats(seed)(elementCount(shape)).map((v) => least + ((v + 1) / 2) * (most - least));
  return new Tensor('float32', shape, values);
}

export function descriptions(tensors: Record<string, Tensor>) {
  return Object.entries(tensors).map(([name, { shape, dtype }]) => ({ name, shape, dtype }));
}

const loaded = new Map<string, HeadType<Head>>();
for (const [name, load] of Object.entries(headTypes)) loaded.set(name, (await load()) as HeadType<Head>);

/** The candidates of a head, by score, then class, then place; its metadata goes through JSON first. */
export function decode(
  head: Head,
  input: Input,
  tensors: Record<string, Tensor>,
  scoreThreshold: number,
  multiLabel = false,
): Box[] {
  const found = decoderFor(head, input, tensors).decode(tensorOutputs(tensors), { scoreThreshold, multiLabel });
  const { length, boxes, scores, classes, keypoints, keypointScores, keypointCount: count, angles } = found;
  return sorted(
    Array.from({ length }, (_, i) => ({
      box: [...boxes.subarray(4 * i, 4 * i + 4)],
      score: scores[i],
      classIndex: classes![i],
      ...(keypoints && { keypoints: [...keypoints.subarray(2 * i * count, 2 * (i + 1) * count)] }),
      ...(keypointScores && { keypointScores: [...keypointScores.subarray(i * count, (i + 1) * count)] }),
      ...(angles && { angle: angles[i] }),
    })),
  );
}

/** The decoder of a head, whose metadata goes through JSON first. */
export function decoderFor(head: Head, input: Input, tensors: Record<string, Tensor>): Decoder {
  const type = loaded.get(head.type)!;
  const read = type.read({ value: JSON.parse(JSON.stringify(head)), path: 'metadata.vision.head' });
  return type.decoder(read, input, descriptions(tensors));
}

export function sorted(boxes: Box[]): Box[] {
  return [...boxes].sort(
    (a, b) =>
      Math.fround(b.score) - Math.fround(a.score) ||
      a.classIndex - b.classIndex ||
      a.box[0] - b.box[0] ||
      a.box[1] - b.box[1],
  );
}

/** Centre and size → corners. */
export function corners(x: number, y: number, width: number, height: number): number[] {
  return [x - width / 2, y - height / 2, x + width / 2, y + height / 2];
}

export const logistic = (x: number) => 1 / (1 + Math.exp(-x));

/** Throws unless both hold the same boxes; how far numbers may differ, relative to the largest coordinate. */
export function difference(found: Box[], expected: Box[]): number {
  if (found.length !== expected.length) throw new Error(`${found.length} candidates, not ${expected.length}`);
  const wanted = sorted(expected);
  const largest = Math.max(1, ...wanted.flatMap(({ box }) => box.map(Math.abs)));
  let most = 0;
  found.forEach(({ box, score, classIndex, ...more }, i) => {
    if (classIndex !== wanted[i].classIndex) throw new Error(`candidate ${i} is of class ${classIndex}`);
    for (const name of ['keypoints', 'keypointScores', 'angle'] as const) {
      const [own, other] = [more[name], wanted[i][name]].map((numbers) => [numbers ?? []].flat());
      if (own.length !== other.length) throw new Error(`candidate ${i} has ${own.length} ${name}, not ${other.length}`);
      own.forEach((v, k) => (most = Math.max(most, Math.abs(v - other[k]) / (name === 'keypoints' ? largest : 1))));
    }
    const error = Math.max(...box.map((v, k) => Math.abs(v - wanted[i].box[k]))) / largest;
    most = Math.max(most, error, Math.abs(score - wanted[i].score));
  });
  return most;
}
