// Graphs → ONNX: onnxruntime-web computes what the evaluator does, and so does what comes back from the file.
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { exportOnnx } from '../../../src/export/onnx/index.ts';
import { evaluate } from '../../../src/graph/evaluate.ts';
import type { Graph } from '../../../src/graph/graph.ts';
import { importOnnx } from '../../../src/import/onnx/index.ts';
import { importTflite } from '../../../src/import/tflite/index.ts';
import { operators } from '../../../src/ops/index.ts';
import { optimise } from '../../../src/passes/index.ts';
import { unaryFunctions } from '../../../src/program/activations.ts';
import { Tensor } from '../../../src/tensor.ts';
import { cloneGraph, GraphBuilder, inputsOf } from '../../graphs.ts';
import { sparseFace } from '../../import/tflite/models.ts';
import { relativeError } from '../../kernels/wasm.ts';
import type { PeerOutput } from '../../peers/index.ts';
import { runOnnxModels } from '../../peers/onnxruntime.ts';
import { graphCases } from './graph-cases.ts';
import { randomGraph } from './random-graph.ts';

interface Case {
  title: string;
  graph: Graph;
  inputs: Record<string, Tensor>;
}

const cases: Case[] = [];
function add(title: string, graph: Graph): void {
  cases.push({ title, graph, inputs: inputsOf(graph) });
}
for (const [title, build] of Object.entries(graphCases)) add(title, build(new GraphBuilder(cases.length + 1)));
const randomCount = 60;
for (let seed = 1; seed <= randomCount; seed++) {
  const graph = randomGraph(seed);
  add(`random graph ${seed}`, graph);
  const optimised = cloneGraph(graph);
  optimise(optimised);
  add(`random graph ${seed}, optimised`, optimised);
}
const face = importTflite(readFileSync(sparseFace), 'face.tflite');
add('the sparse face model', face);
const optimisedFace = cloneGraph(face);
optimise(optimisedFace);
add('the sparse face model, optimised', optimisedFace);

function expectSame(graph: Graph, found: Record<string, Tensor | PeerOutput>, wanted: Record<string, Tensor>): void {
  expect(Object.keys(found)).toEqual(graph.outputs.map(({ name }) => name));
  for (const [name, { shape, data }] of Object.entries(wanted)) {
    expect(found[name].shape, name).toEqual(shape);
    // Sums of float32 in another order.
    expect(relativeError(found[name].data as Float32Array, data as Float32Array), name).toBeLessThan(1e-4);
  }
}

describe('export to ONNX', () => {
  const files = cases.map(({ graph }) => exportOnnx(graph));
  const wanted = cases.map(({ graph, inputs }) => evaluate(graph, inputs));
  let peers: (PeerOutput[] | Error)[];
  beforeAll(async () => {
    peers = await runOnnxModels(files.map((model, i) => ({ model, inputs: cases[i].inputs })));
  });

  it('has a case for every operator and function', () => {
    const nodes = cases.flatMap(({ graph }) => graph.nodes);
    expect([...new Set(nodes.map(({ op }) => op))].sort()).toEqual(Object.keys(operators).sort());
    const functions = nodes
      .filter(({ op }) => op === 'unary')
      .map(({ attributes }) => (attributes as { fn: string }).fn);
    expect([...new Set(functions)].sort()).toEqual([...unaryFunctions].sort());
  });

  it.each(cases.map(({ title }, i) => [title, i] as const))('%s: onnxruntime agrees', (_, i) => {
    const peer = peers[i];
    if (peer instanceof Error) throw peer;
    expectSame(cases[i].graph, Object.fromEntries(peer.map((output) => [output.name!, output])), wanted[i]);
  });

  it.each(cases.map(({ title }, i) => [title, i] as const))('%s: reads back', (_, i) => {
    const { graph, inputs } = cases[i];
    const back = importOnnx(files[i], 'back.onnx');
    expect(back.inputs.map(({ name, dtype }) => [name, dtype])).toEqual(
      graph.inputs.map(({ name, dtype }) => [name, dtype]),
    );
    const found = evaluate(back, inputs);
    expectSame(graph, found, wanted[i]);
  });
});
