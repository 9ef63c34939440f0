// Builders of well-known networks as graphs with seeded weights, dense or with zeros in a pattern.
import type { Graph } from '../src/graph/graph.ts';
import { efficientnetLite0 } from './efficientnet-lite.ts';
import { mobilenetV1 } from './mobilenet-v1.ts';
import { mobilenetV2 } from './mobilenet-v2.ts';
import { mobilenetV3Large, mobilenetV3Small } from './mobilenet-v3.ts';
import type { ImageRange, NetworkOptions } from './options.ts';
import { ssdMobilenetV2 } from './ssd-mobilenet-v2.ts';
import { yoloxNano, yoloxTiny } from './yolox.ts';
import { yolov8n, yolov8s } from './yolov8.ts';

/** Every builder by the name of its network. Without options they build the network as published. */
export const networks = {
  'mobilenet-v1': mobilenetV1,
  'mobilenet-v2': mobilenetV2,
  'mobilenet-v3-large': mobilenetV3Large,
  'mobilenet-v3-small': mobilenetV3Small,
  'efficientnet-lite0': efficientnetLite0,
  'ssd-mobilenet-v2': ssdMobilenetV2,
  'yolox-nano': yoloxNano,
  'yolox-tiny': yoloxTiny,
  yolov8n,
  yolov8s,
} as const satisfies Record<string, (options?: NetworkOptions) => Graph>;

/** Values of black and white pixels in each network's input. */
export const imageRanges: Record<NetworkName, ImageRange> = {
  'mobilenet-v1': [-1, 1],
  'mobilenet-v2': [-1, 1],
  'mobilenet-v3-large': [-1, 1],
  'mobilenet-v3-small': [-1, 1],
  'efficientnet-lite0': [-1, 1],
  'ssd-mobilenet-v2': [-1, 1],
  'yolox-nano': [0, 255],
  'yolox-tiny': [0, 255],
  yolov8n: [0, 1],
  yolov8s: [0, 1],
};

export type NetworkName = keyof typeof networks;

export {
  efficientnetLite0,
  mobilenetV1,
  mobilenetV2,
  mobilenetV3Large,
  mobilenetV3Small,
  ssdMobilenetV2,
  yoloxNano,
  yoloxTiny,
  yolov8n,
  yolov8s,
};
export { macCount, parameterCount } from './count.ts';
export type {
  ImageRange,
  LayerDescription,
  NetworkOptions,
  Padding,
  PaddingOptions,
  SparsityOptions,
} from './options.ts';
export { densityOf, sparsify, sparsityPatterns } from './sparsify.ts';
export type { SparsityPattern, SparsityTarget } from './sparsify.ts';
