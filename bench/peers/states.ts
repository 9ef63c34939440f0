// The networks on which runtimes are compared. A state is a network with certain weights: dense, or with zeros.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { buildNetwork, relu6 } from '../../models/builder.ts';
import { pooled } from '../../models/classifier.ts';
import { imageRanges, networks } from '../../models/index.ts';
import type { NetworkName, NetworkOptions, PaddingOptions } from '../../models/index.ts';
import type { ImageRange, SparsityOptions } from '../../models/options.ts';
import { resolveOptions } from '../../models/options.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { importModel } from '../../src/compile.ts';
import { importTflite } from '../../src/import/tflite/index.ts';
import { dataPath, hasData } from '../../test/data.ts';
import { faceModels, objectronSsd } from '../../test/models/published.ts';
import type { Peer } from '../../test/peers/index.ts';

export interface NetworkState {
  id: string;
  title: string;
  /** Zeros of the pruned layers: `90 % zeros in pairs`. */
  zeros?: string;
  range: ImageRange;
  graph(): Graph;
  /** The TFLite or ONNX file published by its authors, for peers that read it; else it is exported from the graph. */
  published?(): string;
  /** TFLite peers get TFLite's sparse encoding, which makes XNNPACK run sparse. */
  sparseEncoding?: boolean;
  /** Runtimes that run it. */
  peers: readonly Peer[];
  /** The dense state of the same network, on which peers without sparsity are measured. */
  dense?: string;
  /** Known faults of peers on this state. */
  caution?: string;
}

const tflitePeers: readonly Peer[] = ['tfjs-tflite', 'litert'];
const allPeers: readonly Peer[] = [...tflitePeers, 'tfjs-wasm', 'onnxruntime'];

function published(id: string, title: string, file: () => string, zeros?: string): NetworkState {
  return {
    id,
    title,
    zeros,
    range: [-1, 1],
    graph: () => importTflite(new Uint8Array(readFileSync(file())), basename(file())),
    published: file,
    peers: zeros ? tflitePeers : allPeers,
  };
}

/** A network of ../shared/data/zoo; none where it is absent. */
function fromData(id: string, title: string, name: string, rest: Partial<NetworkState> = {}): NetworkState[] {
  if (!hasData('zoo', name)) {
    absent.push(`${id}: needs ../shared/data/zoo/${name}`);
    return [];
  }
  const graph = () => importModel(new Uint8Array(readFileSync(dataPath('zoo', name))), name);
  return [{ id, title, range: [0, 1], graph, peers: allPeers, ...rest }];
}

/** Why networks are left out. */
export const absent: string[] = [];

let ssdFile: string | undefined;

function seeded(
  id: string,
  title: string,
  network: NetworkName,
  options: NetworkOptions & PaddingOptions,
  rest: Partial<NetworkState> = {},
): NetworkState {
  // XNNPACK runs a network sparse only if strided windows are padded beforehand, equally on both sides.
  const graph = () => networks[network]({ padding: 'symmetric', ...options });
  return { id, title, range: imageRanges[network], graph, peers: allPeers, ...rest };
}

const pruned = (sparsity: number, pattern: SparsityOptions['pattern'] = 'unstructured') => ({
  sparsity: { sparsity, pattern },
});

/**
 * A sparse MobileNetV1 with a quarter of the channels and a part that XNNPACK's sparse kernels compute wrongly: a 1×1
 * convolution whose result is reshaped to an output, as in the heads of SSD and YOLO; or a max-pool between sparse layers.
 */
function miscomputed(what: 'head' | 'pool'): Graph {
  const resolved = resolveOptions({}, { resolution: 96, classes: 10 });
  const options = { ...resolved, padding: 'symmetric', sparsity: { sparsity: 0.9 } } as const;
  return buildNetwork(`sparse-${what}`, options, (b) => {
    let x = b.conv('stem', b.image('input', [-1, 1]), 16, { kernel: 3, stride: 2, activation: relu6, role: 'first' });
    const outputs: Record<string, string> = {};
    for (const [i, [channels, stride]] of [
      [32, 1],
      [64, 2],
      [64, 1],
      [128, 2],
      [128, 1],
      [256, 2],
      [256, 1],
    ].entries()) {
      x = b.depthwise(`block${i + 1}/depthwise`, x, { stride, activation: relu6 });
      x = b.conv(`block${i + 1}/pointwise`, x, channels, { activation: relu6 });
      if (what === 'pool' && i === 3) x = b.maxPool('pool3x3', x, 3);
      if (what === 'head' && i === 4) {
        const planes = b.conv('head', x, 24);
        const [, , height, width] = b.shape(planes);
        const anchors = b.reshape('head/anchors', planes, [1, 24, height * width]);
        outputs.boxes = b.transpose('boxes', anchors, [0, 2, 1]);
      }
    }
    outputs.logits = b.linear('classifier', pooled(b, x), 10, { role: 'last' });
    return outputs;
  });
}

const wrong = (id: string, title: string, what: 'head' | 'pool'): NetworkState => ({
  id,
  title,
  zeros: '90 % zeros',
  range: [-1, 1],
  graph: () => miscomputed(what),
  sparseEncoding: true,
  peers: allPeers,
  caution: what === 'head' ? 'a sparse 1×1 convolution feeds a reshape' : 'a max-pool between sparse layers',
});

const sparse = (zeros: string, dense: string): Partial<NetworkState> => ({
  zeros,
  dense,
  sparseEncoding: true,
  peers: tflitePeers,
});

export const states: readonly NetworkState[] = [
  published('face-sparse', 'MediaPipe face, full range, sparse', () => faceModels.sparse, '65 % zeros'),
  published('face-dense', 'MediaPipe face, full range', () => faceModels.dense),
  published('face-short', 'MediaPipe face, short range', () => faceModels.short),
  published('objectron-ssd', 'SSD MobileNetV2 300²', () => (ssdFile ??= objectronSsd())),
  seeded('mobilenet-v1', 'MobileNetV1 224²', 'mobilenet-v1', {}),
  seeded('mobilenet-v1-50', 'MobileNetV1 224²', 'mobilenet-v1', pruned(0.5), {
    ...sparse('50 % zeros', 'mobilenet-v1'),
    // below two thirds zeros XNNPACK gains nothing from the encoding
    sparseEncoding: false,
  }),
  seeded('mobilenet-v1-90', 'MobileNetV1 224²', 'mobilenet-v1', pruned(0.9), sparse('90 % zeros', 'mobilenet-v1')),
  seeded('mobilenet-v1-90-group2', 'MobileNetV1 224²', 'mobilenet-v1', pruned(0.9, 'group2'), {
    ...sparse('90 % zeros in pairs', 'mobilenet-v1'),
  }),
  seeded('mobilenet-v1-90-group4', 'MobileNetV1 224²', 'mobilenet-v1', pruned(0.9, 'group4'), {
    ...sparse('90 % zeros in fours', 'mobilenet-v1'),
  }),
  seeded('mobilenet-v2', 'MobileNetV2 224²', 'mobilenet-v2', {}),
  seeded('mobilenet-v2-50', 'MobileNetV2 224²', 'mobilenet-v2', pruned(0.5), {
    ...sparse('50 % zeros', 'mobilenet-v2'),
    sparseEncoding: false,
  }),
  seeded('mobilenet-v2-90', 'MobileNetV2 224²', 'mobilenet-v2', pruned(0.9), sparse('90 % zeros', 'mobilenet-v2')),
  seeded('yolox-nano', 'YOLOX-nano 640²', 'yolox-nano', { resolution: 640 }),
  seeded('yolov8n', 'YOLOv8n 640²', 'yolov8n', {}),
  seeded(
    'yolov8n-80',
    'YOLOv8n 640²',
    'yolov8n',
    { sparsity: { sparsity: 0.8, layers: ({ role }) => role !== 'first' } },
    // k×k convolutions and concats: no peer runs it sparse
    { zeros: '80 % zeros', dense: 'yolov8n', peers: [] },
  ),
  // weights of the file's bytes as floats: where the file keeps bytes, peers round activations to bytes too
  ...fromData('yolo11n', 'YOLO11n 320²', 'yolo11n_int8.tflite'),
  // floor, which TFLite peers' files would need, is not written by our exporter
  ...fromData('yolo26n', 'YOLO26n 256², 1/4 of the channels', 'yolo26n_e2e_random.onnx', {
    published: () => dataPath('zoo', 'yolo26n_e2e_random.onnx'),
    peers: ['onnxruntime'],
  }),
  wrong('sparse-head', 'Sparse backbone, detection head', 'head'),
  wrong('sparse-pool', 'Sparse backbone, max-pool', 'pool'),
];
