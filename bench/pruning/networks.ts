// The trained networks of models/README.md, and the photos for their measurement and calibration.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readAnnotated } from '../../src/evaluate/accuracy.ts';
import type { Annotated } from '../../src/evaluate/accuracy.ts';
import { detectionDefaults, measureClasses, measureDetections } from '../../src/evaluate/evaluation.ts';
import type { ProgressLine } from '../../src/cli/io.ts';
import { calibrationPhotos as decodable, photoProgress, photosIn } from '../../src/evaluate/photos.ts';
import { compileGraph, importModel } from '../../src/compile.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { loadModel } from '../../src/runtime/load.ts';
import type { PhotoSamples } from '../../src/prune.ts';
import { photoSamples, prepared } from '../../src/prune.ts';
import { cloneGraph } from '../../src/graph/clone.ts';

export interface Network {
  title: string;
  /** Path inside the folder of data. */
  file: string;
  list: string;
  metric: 'top-1' | 'AP';
  preprocess?: 'mobilenet';
}

export const networks = {
  'mobilenet-v1': {
    title: 'MobileNetV1',
    file: 'models/mobilenet_v1_1.0_224_quant/mobilenet_v1_1.0_224_dequantised.onnx',
    list: 'imagenet-500/labels.csv',
    metric: 'top-1',
    preprocess: 'mobilenet',
  },
  'mobilenet-v2': {
    title: 'MobileNetV2',
    file: 'models/mobilenet_v2_1.0_224/mobilenet_v2_1.0_224_dequantised.onnx',
    list: 'imagenet-500/labels.csv',
    metric: 'top-1',
    preprocess: 'mobilenet',
  },
  'yolox-nano': {
    title: 'YOLOX-nano',
    file: 'models/yolox_nano_coco/yolox_nano.onnx',
    list: 'coco-val-160/instances.json',
    metric: 'AP',
  },
} as const satisfies Record<string, Network>;

export type NetworkName = keyof typeof networks;

/** Calibration photos, never used for evaluation. */
const calibrationPhotos = 'coco-train-294/images';

export interface Opened {
  name: NetworkName;
  network: Network;
  /** Optimised. */
  dense: Graph;
  /** Calibration photos. */
  photos: number;
  calibration: PhotoSamples;
  images: Annotated;
}

export interface OpenOptions {
  data: string;
  /** Calibration photos. */
  photos: number;
  /** Number of photos to measure accuracy; all if not given. */
  limit?: number;
}

/** Reads a network and its photos. Photos are decoded once. */
export async function openNetwork(
  name: NetworkName,
  progress: ProgressLine,
  { data, photos, limit }: OpenOptions,
): Promise<Opened> {
  const network: Network = networks[name];
  const graph = importModel(new Uint8Array(await readFile(join(data, network.file))), name);
  const dense = prepared(graph);
  const files = await photosIn(join(data, calibrationPhotos), photos);
  const { preprocess } = network;
  const calibration: PhotoSamples =
    photos > 0
      ? await photoSamples(graph, compileGraph(cloneGraph(dense)), decodable(files), {
          preprocess,
          onPhoto: photoProgress(files.length, progress),
        })
      : { samples: [], viewsPerImage: 1 };
  const images = await readAnnotated(join(data, network.list), { limit });
  return { name, network, dense, photos: files.length, calibration, images: { ...images, decoded: new Map() } };
}

/** Top-1 or AP of an artifact, 0 … 1, as in `filigree evaluate`. */
export async function accuracyOf(
  artifact: Uint8Array,
  { network: { preprocess }, images }: Opened,
  progress: ProgressLine,
  threads: number,
): Promise<number> {
  const model = await loadModel(artifact, { threads });
  if (images.kind === 'classification') {
    const { top1 } = await measureClasses(model, images, { preprocess }, progress);
    return top1;
  }
  const { metrics } = await measureDetections(model, images, detectionDefaults, progress);
  return metrics.ap;
}
