// Parts of TFLite files: other outputs, other inputs, fewer operators, in files that peers and the importer read.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { evaluate } from '../../src/graph/evaluate.ts';
import { importTflite } from '../../src/import/tflite/index.ts';
import { Tensor } from '../../src/tensor.ts';
import { ModelBuilder } from '../import/tflite/model.ts';
import { randomFloats } from '../kernels/wasm.ts';
import { runPeer } from './index.ts';
import { beforeArgMax, partOf } from './tflite-parts.ts';

const x = randomFloats(3)(2 * 3 * 5);

/** x → x + x → the largest of each 5, int64 → [6]; with the tensors' indices. */
function segmenter(axis: number) {
  const model = new ModelBuilder();
  const input = model.input('x', [1, 2, 3, 5]);
  const [scores] = model.apply('scores', 'ADD', [input, input], [[1, 2, 3, 5]], { Add: {} });
  const shape = axis === 1 ? [1, 3, 5] : [1, 2, 3];
  const options = { ArgMax: { outputType: 4 } };
  const [classes] = model.apply('classes', 'ARG_MAX', [scores, model.integers([], [axis])], [shape], options, {
    type: 'int64',
  });
  const flat = [shape[1] * shape[2]];
  const reshaped = model.apply(
    'flat',
    'RESHAPE',
    [classes, model.integers([1], flat)],
    [flat],
    { Reshape: {} },
    {
      type: 'int64',
    },
  );
  model.outputs.push(...reshaped);
  return { bytes: model.bytes(), input, scores };
}

function run(bytes: Uint8Array): number[] {
  const graph = importTflite(bytes, 'part.tflite');
  const [port] = graph.inputs;
  const [output] = Object.values(evaluate(graph, { [port.name]: new Tensor('float32', [1, 2, 3, 5], x) }));
  return Array.from(output.data as Float32Array, Number);
}

it.each([3, -1])('what an ArgMax along axis %i reads is compared with the peer’s', async (axis) => {
  const { bytes } = segmenter(axis);
  const cut = beforeArgMax(bytes, 'segmenter.tflite')!;
  const scores = Array.from(x, (v) => 2 * v);
  expect(run(cut)).toEqual(scores);
  const folder = await mkdtemp(path.join(tmpdir(), 'filigree-parts-'));
  try {
    const file = path.join(folder, 'cut.tflite');
    await writeFile(file, cut);
    const { outputs } = await runPeer('tfjs-tflite', file, [x]);
    expect(outputs.map(({ data }) => Array.from(data))).toEqual([scores]);
  } finally {
    await rm(folder, { recursive: true });
  }
  const largest = Array.from({ length: 6 }, (_, i) => {
    const own = scores.slice(5 * i, 5 * i + 5);
    return own.indexOf(Math.max(...own));
  });
  expect(run(bytes)).toEqual(largest);
});

it('files without such an ArgMax are not cut', () => {
  expect(beforeArgMax(segmenter(1).bytes, 'segmenter.tflite')).toBeUndefined();
  const { bytes, scores } = segmenter(3);
  expect(beforeArgMax(partOf(bytes, { outputs: [scores] }), 'scores.tflite')).toBeUndefined();
});

it('an operator alone reads what is given for the operators before it', () => {
  const { bytes, scores } = segmenter(3);
  const alone = partOf(bytes, { inputs: [scores], operators: [1, 2] });
  expect(run(alone)).toEqual(run(bytes));
  expect(importTflite(alone, 'alone.tflite').inputs.map(({ name }) => name)).toEqual(['scores']);
});
