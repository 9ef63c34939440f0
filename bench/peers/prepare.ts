// A network state as files: one for Filigree, one for each kind of peer, the input in both orders.
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { writeArtifact } from '../../src/artifact/write.ts';
import { compileGraph } from '../../src/compile.ts';
import { exportOnnx } from '../../src/export/onnx/index.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { valueOf } from '../../src/graph/graph.ts';
import { permuteData, permuteShape } from '../../src/graph/permute.ts';
import { elementCount } from '../../src/tensor.ts';
import { randomFloats } from '../../test/kernels/wasm.ts';
import type { Peer } from '../../test/peers/index.ts';

import { exportTflite, nhwc } from '../tflite/export.ts';
import { exportTfjs } from '../tfjs.ts';
import type { NetworkState } from './states.ts';

export interface Prepared {
  files: Partial<Record<Peer, string>>;
  inputs: Partial<Record<Peer, Float32Array>>;
  /** The input in its author's axis order, for the reference evaluator. */
  input: { name: string; shape: readonly number[]; data: Float32Array };
  /** By layer of the compiled program: bytes that it reads and writes, without weights. */
  activationBytes: Map<string, number>;
}

/** Writes missing files, and always the artifact, because it depends on the compiler. */
export async function prepare(state: NetworkState, runtimes: readonly Peer[], folder: string): Promise<Prepared> {
  await mkdir(folder, { recursive: true });
  const graph = state.graph();
  const input = imageOf(graph, state);
  const file = (kind: string) => path.join(folder, `${state.id}${kind}`);
  const files: Prepared['files'] = { filigree: file('.filigree') };
  const inputs: Prepared['inputs'] = {};
  const isAuthors = graph.inputs[0].permutation !== undefined;
  const pixels = isAuthors ? input.data : permuteData(input.data, input.shape, nhwc);
  for (const runtime of runtimes) {
    const isPlanar = runtime === 'filigree' || runtime === 'onnxruntime';
    inputs[runtime] = isPlanar ? input.data : pixels;
    if (runtime === 'tfjs-tflite' || runtime === 'litert') {
      files[runtime] = publishedAs('.tflite', state) ?? file('.tflite');
      if (!existsSync(files[runtime])) {
        await writeFile(files[runtime], exportTflite(graph, { sparse: state.sparseEncoding }).bytes());
      }
    } else if (runtime === 'onnxruntime') {
      files[runtime] = publishedAs('.onnx', state) ?? file('.onnx');
      if (!existsSync(files[runtime])) await writeFile(files[runtime], exportOnnx(graph));
    } else if (runtime === 'tfjs-wasm') {
      files[runtime] = file('.json');
      if (existsSync(files[runtime])) continue;
      const { json, weights } = exportTfjs(exportTflite(graph));
      await writeFile(file('.bin'), weights);
      await writeFile(files[runtime], json);
    }
  }
  await writeFile(files.filigree!, writeArtifact(compileGraph(graph))); // changes the graph
  return { files, inputs, input, activationBytes: activationBytes(graph) };
}

function publishedAs(extension: string, state: NetworkState): string | undefined {
  const file = state.published?.();
  return file?.endsWith(extension) ? file : undefined;
}

function activationBytes(graph: Graph): Map<string, number> {
  const bytes = (value: string) => {
    const { shape, data } = valueOf(graph, value);
    return data ? 0 : 4 * elementCount(shape);
  };
  return new Map(
    graph.nodes.map(({ name, inputs, outputs }) => [
      name,
      [...inputs.filter((input) => input !== ''), ...outputs].reduce((sum, value) => sum + bytes(value), 0),
    ]),
  );
}

/** Noise in the range of the network's pixels. */
function imageOf(graph: Graph, { range: [low, high] }: NetworkState): Prepared['input'] {
  const [port] = graph.inputs;
  const { shape } = valueOf(graph, port.value);
  const own = port.permutation ? permuteShape(shape, port.permutation) : shape;
  const data = randomFloats(9)(elementCount(own)).map((x) => low + ((x + 1) / 2) * (high - low));
  return { name: port.name, shape: own, data };
}
