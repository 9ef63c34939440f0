// YOLOv8 (Ultralytics; structure after their published description of it): C2f backbone, SPPF, PAN neck and an anchor-free
// head whose boxes are distributions over distances (https://arxiv.org/abs/2006.04388), decoded as in their ONNX export.
import type { Graph } from '../src/graph/graph.ts';
import { buildNetwork, type ConvOptions, type NetworkBuilder, sigmoid, silu } from './builder.ts';
import { type NetworkOptions, resolveOptions } from './options.ts';

/** Number of distances, in cells, in the distribution of each side of a box. */
const bins = 16;

class Yolov8Builder {
  readonly b: NetworkBuilder;
  /** Multiplies channels. */
  readonly #width: number;

  constructor(b: NetworkBuilder, width: number) {
    this.b = b;
    this.#width = width;
  }

  scaled(channels: number): number {
    return Math.max(8, Math.ceil((channels * this.#width) / 8) * 8);
  }

  conv(name: string, x: string, outputs: number, options: ConvOptions = {}): string {
    return this.b.conv(name, x, outputs, { activation: silu, ...options });
  }

  /** Cross-stage partial layer that joins the output of every bottleneck. */
  c2f(name: string, x: string, channels: number, bottlenecks: number, isResidual: boolean): string {
    const { b } = this;
    const outputs = this.scaled(channels);
    const hidden = outputs >> 1;
    const parts = b.split(`${name}/split`, this.conv(`${name}/conv1`, x, 2 * hidden), 1, [hidden, hidden]);
    for (let i = 1; i <= bottlenecks; i++) {
      const block = `${name}/bottleneck${i}`;
      const last = parts.at(-1)!;
      const y = this.conv(`${block}/conv2`, this.conv(`${block}/conv1`, last, hidden, { kernel: 3 }), hidden, {
        kernel: 3,
      });
      parts.push(isResidual ? b.binary(`${block}/add`, 'add', last, y) : y);
    }
    return this.conv(`${name}/conv2`, b.concat(`${name}/concat`, 1, parts), outputs);
  }

  /** Spatial pyramid pooling, one pool after the other. */
  sppf(name: string, x: string): string {
    const { b } = this;
    const outputs = b.shape(x)[1];
    const parts = [this.conv(`${name}/conv1`, x, outputs >> 1)];
    for (let i = 1; i <= 3; i++) parts.push(b.maxPool(`${name}/pool${i}`, parts.at(-1)!, 5));
    return this.conv(`${name}/conv2`, b.concat(`${name}/concat`, 1, parts), outputs);
  }

  down(name: string, x: string, outputs: number, role: ConvOptions['role'] = 'hidden'): string {
    return this.conv(name, x, outputs, { kernel: 3, stride: 2, role });
  }

  /** Feature maps at strides 8, 16 and 32. */
  features(image: string, depth: (repeats: number) => number): [string, string, string] {
    const { b } = this;
    let x = this.down('stem', image, this.scaled(64), 'first');
    x = this.c2f('stage2', this.down('stage2/down', x, this.scaled(128)), 128, depth(3), true);
    const map3 = this.c2f('stage3', this.down('stage3/down', x, this.scaled(256)), 256, depth(6), true);
    const map4 = this.c2f('stage4', this.down('stage4/down', map3, this.scaled(512)), 512, depth(6), true);
    x = this.c2f('stage5', this.down('stage5/down', map4, this.scaled(1024)), 1024, depth(3), true);
    const map5 = this.sppf('sppf', x);
    x = b.concat('neck4/inputs', 1, [b.upsample('neck5/up', map5), map4]);
    const neck4 = this.c2f('neck4', x, 512, depth(3), false);
    x = b.concat('neck3/inputs', 1, [b.upsample('neck4/up', neck4), map3]);
    const neck3 = this.c2f('neck3', x, 256, depth(3), false);
    x = b.concat('pan4/inputs', 1, [this.down('neck3/down', neck3, this.scaled(256)), neck4]);
    const pan4 = this.c2f('pan4', x, 512, depth(3), false);
    x = b.concat('pan5/inputs', 1, [this.down('pan4/down', pan4, this.scaled(512)), map5]);
    return [neck3, pan4, this.c2f('pan5', x, 1024, depth(3), false)];
  }

  /** (1, 4·bins + classes, H·W) of each feature map. */
  head(name: string, map: string, stride: number, first: number, classes: number): string {
    const { b } = this;
    const [, , height, width] = b.shape(map);
    const branch = (what: string, hidden: number, outputs: number, bias: number) => {
      const x = this.conv(`${name}/${what}/conv1`, map, hidden, { kernel: 3 });
      const y = this.conv(`${name}/${what}/conv2`, x, hidden, { kernel: 3 });
      return b.conv(`${name}/${what}`, y, outputs, { role: 'last', bias });
    };
    const boxes = branch('box', Math.max(bins, first >> 2, 4 * bins), 4 * bins, 1);
    // A fresh head expects five objects in an image of 640².
    const prior = Math.log(5 / classes / (640 / stride) ** 2);
    const scores = branch('class', Math.max(first, Math.min(classes, 100)), classes, prior);
    const both = b.concat(`${name}/concat`, 1, [boxes, scores]);
    return b.reshape(`${name}/anchors`, both, [1, 4 * bins + classes, height * width]);
  }

  /** (1, 4·bins, A) → (1, 4, A): centre x, centre y, width, height in pixels. `cells` are (height, width, stride). */
  decode(distributions: string, cells: readonly (readonly [number, number, number])[]): string {
    const { b } = this;
    const anchors = b.shape(distributions)[2];
    let x = b.reshape('dfl/sides', distributions, [1, 4, bins, anchors]);
    x = b.transpose('dfl/bins', x, [0, 2, 1, 3]);
    x = b.node('dfl/softmax', 'softmax', { axis: 1, beta: 1 }, [x]);
    const distances = b.constant(
      'dfl/distances',
      [1, bins, 1, 1],
      Float32Array.from({ length: bins }, (_, i) => i),
    );
    const geometry = { stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0], groups: 1 } as const;
    x = b.node('dfl/expectation', 'conv2d', geometry, [x, distances]);
    x = b.reshape('dfl', x, [1, 4, anchors]);
    const [toTopLeft, toBottomRight] = b.split('box/sides', x, 1, [2, 2]);
    const centres = new Float32Array(2 * anchors);
    const strides = new Float32Array(anchors);
    let at = 0;
    for (const [height, width, stride] of cells) {
      for (let cell = 0; cell < height * width; cell++, at++) {
        centres[at] = (cell % width) + 0.5;
        centres[anchors + at] = Math.floor(cell / width) + 0.5;
        strides[at] = stride;
      }
    }
    const anchorPoints = b.constant('box/anchors', [1, 2, anchors], centres);
    const topLeft = b.binary('box/top-left', 'sub', anchorPoints, toTopLeft);
    const bottomRight = b.binary('box/bottom-right', 'add', anchorPoints, toBottomRight);
    const two = b.constant('box/two', [], Float32Array.of(2));
    const centre = b.binary('box/centre', 'div', b.binary('box/sum', 'add', topLeft, bottomRight), two);
    const size = b.binary('box/size', 'sub', bottomRight, topLeft);
    const inCells = b.concat('box/cells', 1, [centre, size]);
    return b.binary('box', 'mul', inCells, b.constant('box/strides', [1, anchors], strides));
  }
}

function yolov8(name: string, variant: { depth: number; width: number }, options: NetworkOptions): Graph {
  const resolved = resolveOptions(options, { resolution: 640, classes: 80, multiple: 32 });
  const { classes } = resolved;
  return buildNetwork(name, resolved, (b) => {
    const network = new Yolov8Builder(b, variant.width * resolved.width);
    const maps = network.features(b.image('images', [0, 1]), (repeats) =>
      Math.max(1, Math.round(repeats * variant.depth)),
    );
    const first = b.shape(maps[0])[1];
    const levels = maps.map((map, i) => network.head(`head${i + 1}`, map, 8 << i, first, classes));
    const all = b.concat('anchors', 2, levels);
    const [distributions, logits] = b.split('predictions', all, 1, [4 * bins, classes]);
    const cells = maps.map((map, i) => [b.shape(map)[2], b.shape(map)[3], 8 << i] as const);
    const output = b.concat('output0', 1, [network.decode(distributions, cells), b.activate(logits, sigmoid)]);
    return { output0: output };
  });
}

/**
 * (1, 3, 640, 640), pixels from 0 to 1 → `output0` (1, 4 + classes, A): centre x, centre y, width and height in pixels, then class scores; A
 * = 8400 cells of strides 8, 16 and 32.
 */
export function yolov8n(options: NetworkOptions = {}): Graph {
  return yolov8('yolov8n', { depth: 0.33, width: 0.25 }, options);
}

/** yolov8n with twice the channels. */
export function yolov8s(options: NetworkOptions = {}): Graph {
  return yolov8('yolov8s', { depth: 0.33, width: 0.5 }, options);
}
