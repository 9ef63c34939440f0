// What runs against what in eight bits, and the ratios that we want. One contest is one table of interleaved runs.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { importModel } from '../../src/compile.ts';
import { dataPath } from '../../test/data.ts';
import type { Peer } from '../../test/peers/index.ts';
import {
  byteArtifact,
  dequantisedArtifact,
  floatArtifact,
  integerArtifact,
  mobilenetV1,
  photographFor,
  patterns,
  picodet,
  withZeros,
  yolov8n,
  yolov8nMaps,
  type FloatNetwork,
} from './networks.ts';
import { quantisedFile } from './quantised-file.ts';

export interface Contender {
  name: string;
  peer: Peer;
  file: string;
}

export interface Contest {
  id: string;
  title: string;
  /** Flags of Node. */
  flags?: readonly string[];
  /** Writes the files into a folder. The first contender is ours. */
  prepare(folder: string): Promise<{
    contenders: Contender[];
    inputs: Float32Array[];
    /** The quantised file that all integer contenders run; their outputs are compared in its bytes. */
    quantised?: string;
  }>;
  ratios: readonly Ratio[];
}

/** A contender's time over the fastest of others. */
export interface Ratio {
  own: string;
  over: readonly string[];
  /** The ratio that we want at most. */
  most: number;
}

const own = 'integers';
const floats = 'floats';
const peers = ['LiteRT.js', 'tfjs-tflite'] as const;

/** A quantised TFLite file: its integers, its floats, and the peers. */
function published(
  id: string,
  title: string,
  most: number,
  over: readonly string[],
  fileOf: string | ((folder: string) => Promise<string>),
): Contest {
  return {
    id,
    title,
    ratios: [{ own, over, most }],
    async prepare(folder) {
      const file = typeof fileOf === 'string' ? dataPath(fileOf) : await fileOf(folder);
      return {
        contenders: [
          { name: own, peer: 'filigree', file: await integerArtifact(folder, file) },
          { name: floats, peer: 'filigree', file: await dequantisedArtifact(folder, file) },
          { name: peers[0], peer: 'litert', file },
          { name: peers[1], peer: 'tfjs-tflite', file },
        ],
        inputs: await photographFor(importModel(readFileSync(file), path.basename(file))),
        quantised: file,
      };
    },
  };
}

/** A network in floats, in bytes, and in bytes with blocks of zeros. */
function calibrated(
  id: string,
  title: string,
  network: FloatNetwork,
  zeros: readonly number[],
  ratios: readonly Ratio[],
  flags?: readonly string[],
): Contest {
  return {
    id,
    title,
    flags,
    ratios,
    async prepare(folder) {
      const contenders: Contender[] = [
        { name: own, peer: 'filigree', file: await byteArtifact(folder, network) },
        { name: floats, peer: 'filigree', file: await floatArtifact(folder, network) },
      ];
      for (const percent of zeros) {
        for (const pattern of patterns) {
          const sparse = await withZeros(network, pattern, percent);
          const file = await byteArtifact(folder, sparse, { all: true });
          contenders.push({ name: `${percent} % in ${pattern}`, peer: 'filigree', file });
        }
      }
      return { contenders, inputs: await photographFor(network.read()) };
    },
  };
}

const best = (percent: number, over: string, most: number) =>
  patterns.map((pattern) => ({ own: `${percent} % in ${pattern}`, over: [over], most }));

export const contests: readonly Contest[] = [
  published(
    'mobilenet-v2-file',
    'MobileNetV2, the published int8 file',
    0.7,
    peers.slice(0, 1),
    'models/mobilenet_v2_1.0_224/tf2_mobilenet_v2_1.0_224_ptq.tflite',
  ),
  published(
    'mobilenet-v1-file',
    'MobileNetV1, the published uint8 file',
    0.85,
    peers,
    'models/mobilenet_v1_1.0_224_quant/mobilenet_v1_1.0_224_quant_embedding_extractor.tflite',
  ),
  published(
    'ssd-file',
    'SSD MobileNetV1 300², the published uint8 file',
    0.85,
    peers,
    'zoo/coco_ssd_mobilenet_v1_1.0_quant.tflite',
  ),
  published('yolov8n-file', 'YOLOv8n 640² in uint8, up to its heads’ maps', 0.75, peers, (folder) =>
    quantisedFile(folder, yolov8nMaps),
  ),
  calibrated('yolov8n', 'YOLOv8n 640², calibrated', yolov8n, [], [{ own, over: [floats], most: 0.5 }]),
  calibrated(
    'picodet',
    'PicoDet-S 416², calibrated',
    picodet,
    [50, 70],
    [{ own, over: [floats], most: 0.33 }, ...best(50, floats, 0.25), ...best(70, floats, 0.22)],
  ),
  calibrated(
    'mobilenet-v1',
    'MobileNetV1, calibrated',
    mobilenetV1,
    [50, 80, 90],
    [{ own, over: [floats], most: 0.33 }, ...best(50, own, 0.6), ...best(80, own, 0.36), ...best(90, own, 0.28)],
  ),
  calibrated(
    'mobilenet-v1-no-dot',
    'MobileNetV1 without the processor’s dot products',
    mobilenetV1,
    [],
    [{ own, over: [floats], most: 0.58 }],
    ['--no-enable-avx-vnni'],
  ),
];
