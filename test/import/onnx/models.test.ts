// Real models: their content, and results when compiled, against onnxruntime-web.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { writeArtifact } from '../../../src/artifact/write.ts';
import { compileGraph, importModel } from '../../../src/compile.ts';
import type { Graph } from '../../../src/graph/graph.ts';
import { loadModel } from '../../../src/runtime/load.ts';
import { Tensor, elementCount } from '../../../src/tensor.ts';
import { dataPath, describeWithData, hasData } from '../../data.ts';
import { randomFloats, relativeError } from '../../kernels/wasm.ts';
import { runOnnxModels } from '../../peers/onnxruntime.ts';

function opCounts(graph: Graph): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { op } of graph.nodes) counts[op] = (counts[op] ?? 0) + 1;
  return counts;
}

interface Expected {
  input: { name: string; shape: number[] };
  output: { name: string; shape: number[] };
  counts: Record<string, number>;
  notes: RegExp[];
  /** Inputs are random in ±range. */
  range: number;
  /** Of the largest magnitude. */
  tolerance: number;
}

/** Rounding of float32 sums in other orders. */
const rounding = 1e-4;

const models: Record<string, Expected> = {
  'models/yolox_nano_coco/yolox_nano.onnx': {
    input: { name: 'images', shape: [1, 3, 416, 416] },
    output: { name: 'output', shape: [1, 3549, 85] },
    counts: {
      slice: 8,
      concat: 18,
      conv2d: 113,
      unary: 110,
      binary: 111,
      maxPool: 3,
      resize: 2,
      reshape: 3,
      transpose: 1,
    },
    notes: [],
    range: 255,
    tolerance: rounding,
  },
  'models/mobilenet_v1_1.0_224_quant/mobilenet_v1_1.0_224_dequantised.onnx': {
    input: { name: 'input', shape: [1, 3, 224, 224] },
    output: { name: 'output', shape: [1, 1001] },
    counts: { conv2d: 28, unary: 27, reduce: 1, reshape: 1, softmax: 1 },
    notes: [/^input "input" is declared \[N, 3, 224, 224\]; it runs as \[1,3,224,224\]$/],
    range: 1,
    tolerance: rounding,
  },
  'models/mobilenet_v2_1.0_224/mobilenet_v2_1.0_224_dequantised.onnx': {
    input: { name: 'input', shape: [1, 3, 224, 224] },
    output: { name: 'output', shape: [1, 1001] },
    counts: { conv2d: 53, unary: 35, binary: 10, reduce: 1, reshape: 1, softmax: 1 },
    notes: [/^input "input" is declared/],
    range: 1,
    tolerance: rounding,
  },
  'models/mobilenet_v2_1.0_224/mobilenetv2_float32.onnx': {
    input: { name: 'serving_default_input_4:0', shape: [1, 224, 224, 3] },
    output: { name: 'StatefulPartitionedCall:0', shape: [1, 1000] },
    counts: { transpose: 1, conv2d: 52, unary: 35, pad: 4, binary: 11, reduce: 1, reshape: 1, linear: 1, softmax: 1 },
    notes: [
      /^input .* is declared/,
      /^activations are quantised/,
      /^49 constant tensors are stored as int8/,
      /^1 constant tensor is stored as uint8/,
    ],
    range: 1,
    // onnxruntime rounds what goes into the last MatMul to 8 bits; here it stays float32.
    tolerance: 0.01,
  },
};

function inputOf({ input, range }: Expected): Record<string, Tensor> {
  const numbers = randomFloats(3)(elementCount(input.shape), range);
  return { [input.name]: new Tensor('float32', input.shape, numbers) };
}

// One process for all.
const available = Object.keys(models).filter((file) => hasData(file));
let peers: ReturnType<typeof runOnnxModels>;
beforeAll(() => {
  peers = runOnnxModels(
    available.map((file) => ({ model: readFileSync(dataPath(file)), inputs: inputOf(models[file]) })),
  );
});

for (const [file, expected] of Object.entries(models)) {
  describeWithData(path.basename(file), file, () => {
    const read = () => importModel(readFileSync(dataPath(file)), path.basename(file));

    it('has the operators of its file', () => {
      const graph = read();
      expect(opCounts(graph)).toEqual(expected.counts);
      expect(graph.notes).toHaveLength(expected.notes.length);
      expected.notes.forEach((note, i) => expect(graph.notes[i]).toMatch(note));
    });

    it('agrees with onnxruntime-web', async () => {
      const { input, output, tolerance } = expected;
      const model = await loadModel(writeArtifact(compileGraph(read())));
      expect(model.inputs).toMatchObject([input]);
      const found = (await model.run(inputOf(expected)))[output.name];
      model.dispose();
      const peer = (await peers)[available.indexOf(file)];
      if (peer instanceof Error) throw peer;
      const [wanted] = peer;
      expect(wanted.name).toBe(output.name);
      expect(found.shape).toEqual(output.shape);
      expect(wanted.shape).toEqual(output.shape);
      const error = relativeError(found.data as Float32Array, wanted.data);
      expect(error).toBeLessThan(tolerance);
    });
  });
}
