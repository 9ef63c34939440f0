// Writes decoded.json: the boxes that Filigree decodes from made-up numbers, which test_heads.py compares its own with.
//
//   node scripts/run.mjs training/tests/decoded.ts
import { writeFile } from 'node:fs/promises';
import { Tensor } from '../../src/tensor.ts';
import type { Candidates } from '../../src/vision/candidates.ts';
import type { Head } from '../../src/vision/heads/head.ts';
import { decoderOf } from '../../src/vision/heads/index.ts';
import { tensorOutputs } from '../../src/vision/outputs.ts';

const side = 64;
const classes = 3;
const bins = 8;
const number = (i: number) => Math.fround(2 * Math.sin(12.9898 * i));
const logistic = (v: number) => 1 / (1 + Math.exp(-v));

async function decoded(head: Head, tensors: Record<string, Tensor>): Promise<number[][]> {
  const outputs = Object.entries(tensors).map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
  const decoder = await decoderOf(head, { width: side, height: side }, outputs);
  const found: Candidates = decoder.decode(tensorOutputs(tensors), { scoreThreshold: 0.7, multiLabel: true });
  return Array.from({ length: found.length }, (_, i) => [
    ...found.boxes.slice(4 * i, 4 * i + 4),
    found.scores[i],
    found.classes?.[i] ?? 0,
  ]);
}

function gfl(): Promise<number[][]> {
  const strides = [8, 16, 32, 64];
  const width = classes + 4 * bins;
  const tensors: Record<string, Tensor> = {};
  let cell = 0;
  strides.forEach((stride, level) => {
    const cells = (side / stride) ** 2;
    const at = (first: number, count: number) =>
      Float32Array.from({ length: cells * count }, (_, i) =>
        number((cell + Math.floor(i / count)) * width + first + (i % count)),
      );
    tensors[`scores${level}`] = new Tensor('float32', [1, cells, classes], at(0, classes).map(logistic));
    tensors[`bins${level}`] = new Tensor('float32', [1, cells, 4 * bins], at(classes, 4 * bins));
    cell += cells;
  });
  const names = (kind: string) => strides.map((_, level) => `${kind}${level}`);
  return decoded(
    {
      type: 'gfl',
      outputs: names('scores'),
      channelsFirst: false,
      distances: names('bins'),
      bins,
      strides,
      centre: 0.5,
      activation: 'none',
    },
    tensors,
  );
}

function yolox(): Promise<number[][]> {
  const width = 5 + classes;
  const cells = 8 * 8 + 4 * 4 + 2 * 2;
  const values = Float32Array.from({ length: cells * width }, (_, i) =>
    i % width < 4 ? number(i) : logistic(number(i)),
  );
  return decoded(
    { type: 'yolo', output: 'out', channelsFirst: false, objectness: true, boxes: 'grid', strides: [8, 16, 32] },
    { out: new Tensor('float32', [1, cells, width], values) },
  );
}

await writeFile(
  new URL('decoded.json', import.meta.url),
  `${JSON.stringify({ gfl: await gfl(), yolox: await yolox() })}\n`,
);
