// Networks of eight bits as files: artifacts of floats, of integers, of integers with blocks of zeros; and what calibrates them.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { networks } from '../../models/index.ts';
import { writeArtifact } from '../../src/artifact/write.ts';
import { compileGraph, importModel, type CompileOptions } from '../../src/compile.ts';
import type { ByteOptions } from '../../src/compile/bytes/choose.ts';
import { calibrateBytes, measureRanges } from '../../src/compile/measure-ranges.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { valueOf } from '../../src/graph/graph.ts';
import { decodeImage } from '../../src/images/decode.ts';
import { removeDead } from '../../src/passes/remove-dead.ts';
import { prune } from '../../src/prune.ts';
import type { ClassifierPreprocessing } from '../../src/vision/classifier-metadata.ts';
import { dataPath } from '../../test/data.ts';

/** A network of floats that is compiled to eight bits. */
export interface FloatNetwork {
  id: string;
  read(): Graph;
  /** Folder of photographs, and how they become the input unless the network says so. */
  photographs: string;
  preprocessing?: ClassifierPreprocessing;
}

const fromFile = (...parts: string[]) => importModel(readFileSync(dataPath(...parts)), path.basename(parts.at(-1)!));

export const mobilenetV1: FloatNetwork = {
  id: 'mobilenet-v1',
  read: () => fromFile('models/mobilenet_v1_1.0_224_quant/mobilenet_v1_1.0_224_dequantised.onnx'),
  photographs: 'imagenet-500/images',
  preprocessing: 'mobilenet',
};

export const picodet: FloatNetwork = {
  id: 'picodet-s-416',
  read: () => fromFile('zoo/picodet_s_416_coco.onnx'),
  photographs: 'coco-train-294/images',
};

export const yolov8n: FloatNetwork = {
  id: 'yolov8n-640',
  read: () => networks.yolov8n(),
  photographs: 'coco-train-294/images',
  preprocessing: { scale: [1 / 255, 1 / 255, 1 / 255], offset: [0, 0, 0] },
};

/** YOLOv8n up to the maps of its heads: what follows has no operators of bytes in TFLite. */
export const yolov8nMaps: FloatNetwork = {
  ...yolov8n,
  id: 'yolov8n-640-maps',
  read() {
    const graph = yolov8n.read();
    const maps = ['head1/concat', 'head2/concat', 'head3/concat'];
    graph.outputs = maps.map((value) => ({ value, name: value, dtype: 'float32', permutation: [0, 2, 3, 1] }));
    removeDead(graph);
    return graph;
  },
};

/** Blocks of zeros that prune and whose speed is measured. */
export const patterns = ['1x4', '2x4', '4x4'] as const;

/** The network with a share of its weights zero, in blocks by their size. Accuracy is lost; it is for its speed. */
export async function withZeros(network: FloatNetwork, pattern: string, percent: number): Promise<FloatNetwork> {
  const { graph } = await prune(network.read(), {
    pattern,
    sparsity: percent / 100,
    criterion: 'magnitude',
    distribution: 'uniform',
  });
  return { ...network, id: `${network.id}-${pattern}-${percent}`, read: () => structuredClone(graph) };
}

/** Writes the network compiled to floats. Returns the file. */
export async function floatArtifact(folder: string, network: FloatNetwork): Promise<string> {
  return artifact(folder, `${network.id}-f32`, network.read());
}

/**
 * Writes the network compiled to an integer program. Returns the file.
 * @param all whether layers that eight bits would harm are in bytes too, and seven bits do for all
 */
export async function byteArtifact(folder: string, network: FloatNetwork, { all = false } = {}): Promise<string> {
  const int8 = await calibration(folder, network, all);
  return artifact(folder, `${network.id}-int8`, network.read(), { int8 });
}

/** Writes a quantised file compiled with its integers. Returns the artifact's file. */
export function integerArtifact(folder: string, file: string): Promise<string> {
  const id = path.basename(file, path.extname(file));
  return artifact(folder, `${id}-int8`, importModel(readFileSync(file), id), { integers: true });
}

/** The file's numbers as floats. */
export function dequantisedArtifact(folder: string, file: string): Promise<string> {
  const id = path.basename(file, path.extname(file));
  return artifact(folder, `${id}-f32`, importModel(readFileSync(file), id));
}

async function artifact(folder: string, id: string, graph: Graph, options: CompileOptions = {}): Promise<string> {
  const file = path.join(folder, `${id}.filigree`);
  await writeFile(file, writeArtifact(compileGraph(graph, options)));
  return file;
}

/** What an integer program needs to know, kept in the folder, since it takes long to find. With `all`: ranges on one photograph alone. */
async function calibration(folder: string, network: FloatNetwork, all: boolean): Promise<ByteOptions> {
  const file = path.join(folder, `${network.id}${all ? '-all' : ''}.ranges.json`);
  if (existsSync(file)) return JSON.parse(await readFile(file, 'utf8')) as ByteOptions;
  const images = dataPath(network.photographs);
  const names = readdirSync(images)
    .sort()
    .slice(0, all ? 1 : 8);
  const calibrate = await Promise.all(
    names.map(async (name) => decodeImage(await readFile(path.join(images, name)), { name })),
  );
  const samples = { calibrate, preprocessing: network.preprocessing };
  const program = compileGraph(network.read());
  const measured: ByteOptions = all
    ? { ranges: await measureRanges(network.read(), program, samples) }
    : await calibrateBytes(network.read(), program, samples);
  await writeFile(file, JSON.stringify(measured));
  return measured;
}

/**
 * A photograph for each input of a graph, in its author's order: its bytes for integers, else from `low` for black to `high` for white.
 */
export async function photographFor(
  graph: Graph,
  [low, high]: readonly [number, number] = [0, 1],
): Promise<Float32Array[]> {
  const folder = dataPath('imagenet-500/images');
  const name = readdirSync(folder).sort()[0];
  const { data, width, height, channels } = await decodeImage(await readFile(path.join(folder, name)), { name });
  return graph.inputs.map(({ value, dtype, permutation }) => {
    const [, depth, rows, columns] = valueOf(graph, value).shape;
    const isPixels = permutation !== undefined;
    return Float32Array.from({ length: depth * rows * columns }, (_, i) => {
      const at = isPixels ? Math.floor(i / depth) : i % (rows * columns);
      const channel = isPixels ? i % depth : Math.floor(i / (rows * columns));
      const row = Math.floor((Math.floor(at / columns) * height) / rows);
      const column = Math.floor(((at % columns) * width) / columns);
      const byte = data[(row * width + column) * channels + Math.min(channel, channels - 1)];
      if (dtype === 'uint8') return byte;
      if (dtype === 'int8') return byte - 128;
      return low + (byte / 255) * (high - low);
    });
  });
}
