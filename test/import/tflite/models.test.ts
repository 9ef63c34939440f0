// Published models: their content, and results against tfjs-tflite and LiteRT.js.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { evaluate } from '../../../src/graph/evaluate.ts';
import type { Graph } from '../../../src/graph/graph.ts';
import { verify } from '../../../src/graph/verify.ts';
import { importTflite } from '../../../src/import/tflite/index.ts';
import { Tensor, elementCount } from '../../../src/tensor.ts';
import { randomFloats, relativeError } from '../../kernels/wasm.ts';
import { runPeer, type Peer } from '../../peers/index.ts';
import { denseFace, mobilenet, objectDetector, shoes, shortFace, sparseFace } from './models.ts';

const temporary = mkdtempSync(path.join(tmpdir(), 'filigree-models-'));
afterAll(() => rmSync(temporary, { recursive: true }));
const objects = path.join(temporary, 'ssd_mobilenet_v2.tflite');
writeFileSync(objects, objectDetector());

function imported(file: string): Graph {
  const graph = importTflite(readFileSync(file), path.basename(file));
  verify(graph);
  return graph;
}

function opCounts(graph: Graph): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { op } of graph.nodes) counts[op] = (counts[op] ?? 0) + 1;
  return counts;
}

/** Shape of a port as its author has it. */
function portShapes(graph: Graph, ports: Graph['inputs']): number[][] {
  return ports.map(({ value, permutation }) => {
    const { shape } = graph.values.get(value)!;
    return permutation ? permutation.map((axis) => shape[axis]) : [...shape];
  });
}

/** Density of each convolution's weights, with their shape (O, I/groups, kh, kw). */
function convolutions(graph: Graph): { shape: readonly number[]; density: number }[] {
  return graph.nodes
    .filter(({ op }) => op === 'conv2d')
    .map(({ inputs }) => {
      const { shape, data } = graph.values.get(inputs[1])!;
      return { shape, density: (data as Float32Array).filter((w) => w !== 0).length / data!.length };
    });
}

describe('the sparse face model', () => {
  const graph = imported(sparseFace);

  it('has the operators of its file', () => {
    // DENSIFY and DEQUANTIZE are gone; a reshape of a feature map is a transpose and a reshape.
    expect(opCounts(graph)).toEqual({
      conv2d: 49 + 42,
      binary: 19,
      pad: 43,
      resize: 3,
      depthToSpace: 2,
      transpose: 2,
      reshape: 2,
    });
    expect(graph.nodes.filter(({ attributes }) => 'groups' in attributes && attributes.groups !== 1)).toHaveLength(42);
    expect(graph.inputs).toMatchObject([{ name: 'input_1', dtype: 'float32', permutation: [0, 2, 3, 1] }]);
    expect(portShapes(graph, graph.inputs)).toEqual([[1, 192, 192, 3]]);
    expect(graph.outputs.map(({ name }) => name)).toEqual(['Identity', 'Identity_1']);
    expect(portShapes(graph, graph.outputs)).toEqual([
      [1, 2304, 16],
      [1, 2304, 1],
    ]);
    expect(graph.notes).toEqual(['182 constant tensors are stored as float16; they are dequantised to float32']);
  });

  it('has 46 layers of 1×1 that are 70 % zeros', () => {
    const sparse = convolutions(graph).filter(({ density }) => density < 0.9);
    expect(sparse).toHaveLength(46);
    for (const { shape, density } of sparse) {
      expect(shape.slice(2)).toEqual([1, 1]);
      expect(density).toBeGreaterThan(0.25);
      expect(density).toBeLessThan(0.35);
    }
  });
});

describe('the dense face model', () => {
  const graph = imported(denseFace);

  it('has the operators of its file', () => {
    expect(opCounts(graph)).toEqual({
      conv2d: 49 + 40,
      unary: 47,
      binary: 23,
      pad: 8,
      resize: 3,
      maxPool: 4,
      transpose: 2,
      reshape: 2,
    });
    expect(convolutions(graph).filter(({ density }) => density < 0.9)).toEqual([]);
  });

  it('has the ports of the sparse one', () => {
    const sparse = imported(sparseFace);
    expect(portShapes(graph, graph.inputs)).toEqual(portShapes(sparse, sparse.inputs));
    expect(portShapes(graph, graph.outputs)).toEqual(portShapes(sparse, sparse.outputs));
  });
});

describe('against the peers', () => {
  const models: [string, string, Peer[]][] = [
    ['sparse face', sparseFace, ['tfjs-tflite', 'litert']],
    ['dense face', denseFace, ['tfjs-tflite', 'litert']],
    ['short-range face', shortFace, ['tfjs-tflite', 'litert']],
    ['SSD MobileNetV2', objects, ['tfjs-tflite', 'litert']],
    ['3-D shoes', shoes, ['tfjs-tflite', 'litert']],
  ];

  it.each(models)('%s', async (_, file, peers) => {
    const graph = imported(file);
    const [shape] = portShapes(graph, graph.inputs);
    const input = randomFloats(5)(elementCount(shape));
    const outputs = evaluate(graph, { [graph.inputs[0].name]: new Tensor('float32', shape, input) });
    for (const peer of peers) {
      const expected = (await runPeer(peer, file, [input])).outputs;
      expect(expected).toHaveLength(graph.outputs.length);
      graph.outputs.forEach(({ name }, k) => {
        expect(outputs[name].shape).toEqual(expected[k].shape);
        // The peers add in float32, the evaluator in float64.
        expect(relativeError(outputs[name].data as Float32Array, expected[k].data), `${name}, ${peer}`).toBeLessThan(
          1e-4,
        );
      });
    }
  });
});

describe('MobileNets', () => {
  const files: [string, Record<string, number>, RegExp[]][] = [
    [
      'mobilenet_v1_1.0_224_quant/mobilenet_quant_v1_224_head_layers.tflite',
      { conv2d: 1, unary: 1, transpose: 1, reshape: 1, softmax: 1 },
      [/^activations are quantised/, /^1 constant tensor is stored as uint8/, /^1 constant tensor is stored as int32/],
    ],
    [
      'mobilenet_v1_1.0_224_quant/mobilenet_v1_1.0_224_quant_embedding_extractor.tflite',
      { conv2d: 27, averagePool: 1 },
      [
        /^activations are quantised/,
        /^27 constant tensors are stored as uint8/,
        /^27 constant tensors are stored as int32/,
      ],
    ],
    [
      'mobilenet_v2_1.0_224/mobilenet_v2_1.0_224_quant.tflite',
      { conv2d: 53, binary: 10, unary: 28, averagePool: 1, transpose: 1, reshape: 1, softmax: 1 },
      [
        /^activations are quantised/,
        /^53 constant tensors are stored as uint8/,
        /^53 constant tensors are stored as int32/,
      ],
    ],
    [
      'mobilenet_v2_1.0_224/tf2_mobilenet_v2_1.0_224_ptq.tflite',
      { conv2d: 53, binary: 10, unary: 29, reduce: 1, transpose: 1, reshape: 1, softmax: 1 },
      [
        /^activations are quantised/,
        /^53 constant tensors are stored as int8/,
        /^53 constant tensors are stored as int32/,
      ],
    ],
    [
      'mobilenet_v2_1.0_224/mobilenetv2_float32.tflite',
      { conv2d: 52, pad: 4, binary: 10, reduce: 1, linear: 1, softmax: 1 },
      [/^input .* is declared \[-1,224,224,3\]/, /^49 constant tensors are stored as int8/],
    ],
  ];
  for (const [name, counts, notes] of files) {
    const file = mobilenet(name);
    it.skipIf(!file)(`${name} (needs ../shared/data)`, () => {
      const graph = imported(file!);
      expect(opCounts(graph)).toEqual(counts);
      expect(graph.notes).toHaveLength(notes.length);
      notes.forEach((note, i) => expect(graph.notes[i]).toMatch(note));
    });
  }

  const quantised = mobilenet('mobilenet_v2_1.0_224/mobilenet_v2_1.0_224_quant.tflite');
  const dequantised = mobilenet('mobilenet_v2_1.0_224/mobilenet_v2_1.0_224_dequantised.onnx');
  it.skipIf(!quantised || !dequantised)('dequantise to the bits of the float ONNX (needs ../shared/data)', () => {
    const onnx = readFileSync(dequantised!);
    const holds = (bytes: Buffer) => {
      for (let at = onnx.indexOf(bytes.subarray(0, 64)); at >= 0; at = onnx.indexOf(bytes.subarray(0, 64), at + 1)) {
        if (onnx.subarray(at, at + bytes.length).equals(bytes)) return true;
      }
      return false;
    };
    const graph = imported(quantised!);
    const layers = graph.nodes.filter(({ op }) => op === 'conv2d');
    expect(layers).toHaveLength(53);
    for (const { name, inputs } of layers) {
      for (const input of inputs.slice(1)) {
        const { buffer, byteOffset, byteLength } = graph.values.get(input)!.data!;
        expect(holds(Buffer.from(buffer, byteOffset, byteLength)), `${name}: ${input}`).toBe(true);
      }
    }
  });
});
