// YOLOX (Ge et al., https://arxiv.org/abs/2107.08430; Megvii-BaseDetection/YOLOX, Apache-2.0): focus stem, CSPDarknet,
// PAFPN and decoupled heads, with the outputs of the official ONNX export.
import type { Graph } from '../src/graph/graph.ts';
import { buildNetwork, type ConvOptions, type NetworkBuilder, sigmoid, silu } from './builder.ts';
import { type NetworkOptions, resolveOptions } from './options.ts';

interface Variant {
  name: string;
  depth: number;
  width: number;
  /** 3×3 convolutions are depthwise, each followed by a pointwise one. */
  isDepthwise: boolean;
}

/** Objectness and class scores of a fresh head: 0.01. */
const priorBias = -Math.log(99);

class YoloxBuilder {
  readonly b: NetworkBuilder;
  readonly #variant: Variant;

  constructor(b: NetworkBuilder, variant: Variant) {
    this.b = b;
    this.#variant = variant;
  }

  conv(name: string, x: string, outputs: number, options: ConvOptions = {}): string {
    return this.b.conv(name, x, outputs, { activation: silu, ...options });
  }

  conv3x3(name: string, x: string, outputs: number, stride = 1): string {
    if (!this.#variant.isDepthwise) return this.conv(name, x, outputs, { kernel: 3, stride });
    const filtered = this.b.depthwise(`${name}/depthwise`, x, { kernel: 3, stride, activation: silu });
    return this.conv(`${name}/pointwise`, filtered, outputs);
  }

  /** Pixels of each 2 × 2 block as channels: top left, bottom left, top right, bottom right. */
  focus(image: string): string {
    const [, channels, height, width] = this.b.shape(image);
    const corner = (name: string, top: number, left: number) =>
      this.b.node(
        `focus/${name}`,
        'slice',
        { starts: [0, 0, top, left], sizes: [1, channels, height / 2, width / 2], steps: [1, 1, 2, 2] },
        [image],
      );
    return this.b.concat('focus', 1, [
      corner('top-left', 0, 0),
      corner('bottom-left', 1, 0),
      corner('top-right', 0, 1),
      corner('bottom-right', 1, 1),
    ]);
  }

  /** Cross-stage partial layer: half of the channels go through bottlenecks, the other half past them. */
  csp(name: string, x: string, outputs: number, bottlenecks: number, isResidual: boolean): string {
    const hidden = outputs >> 1;
    let main = this.conv(`${name}/main`, x, hidden);
    const past = this.conv(`${name}/past`, x, hidden);
    for (let i = 1; i <= bottlenecks; i++) {
      const block = `${name}/bottleneck${i}`;
      const y = this.conv3x3(`${block}/conv2`, this.conv(`${block}/conv1`, main, hidden), hidden);
      main = isResidual ? this.b.binary(`${block}/add`, 'add', y, main) : y;
    }
    return this.conv(`${name}/join`, this.b.concat(`${name}/concat`, 1, [main, past]), outputs);
  }

  /** Spatial pyramid pooling. */
  spp(name: string, x: string, outputs: number): string {
    const reduced = this.conv(`${name}/reduce`, x, this.b.shape(x)[1] >> 1);
    const pooled = [5, 9, 13].map((kernel) => this.b.maxPool(`${name}/pool${kernel}`, reduced, kernel));
    return this.conv(`${name}/join`, this.b.concat(`${name}/concat`, 1, [reduced, ...pooled]), outputs);
  }

  /** Feature maps at strides 8, 16 and 32. */
  darknet(image: string, base: number, depth: number): [string, string, string] {
    let x = this.conv('stem', this.focus(image), base, { kernel: 3, role: 'first' });
    x = this.conv3x3('dark2', x, 2 * base, 2);
    x = this.csp('dark2/csp', x, 2 * base, depth, true);
    x = this.conv3x3('dark3', x, 4 * base, 2);
    const dark3 = this.csp('dark3/csp', x, 4 * base, 3 * depth, true);
    x = this.conv3x3('dark4', dark3, 8 * base, 2);
    const dark4 = this.csp('dark4/csp', x, 8 * base, 3 * depth, true);
    x = this.conv3x3('dark5', dark4, 16 * base, 2);
    x = this.spp('dark5/spp', x, 16 * base);
    return [dark3, dark4, this.csp('dark5/csp', x, 16 * base, depth, false)];
  }

  /** Path aggregation: top down, then bottom up again. */
  pafpn([dark3, dark4, dark5]: [string, string, string], base: number, depth: number): [string, string, string] {
    const { b } = this;
    const fpn5 = this.conv('fpn5', dark5, 8 * base);
    let x = b.concat('fpn4/inputs', 1, [b.upsample('fpn5/up', fpn5), dark4]);
    const fpn4 = this.conv('fpn4', this.csp('fpn4/csp', x, 8 * base, depth, false), 4 * base);
    x = b.concat('pan3/inputs', 1, [b.upsample('fpn4/up', fpn4), dark3]);
    const pan3 = this.csp('pan3', x, 4 * base, depth, false);
    x = b.concat('pan4/inputs', 1, [this.conv3x3('pan3/down', pan3, 4 * base, 2), fpn4]);
    const pan4 = this.csp('pan4', x, 8 * base, depth, false);
    x = b.concat('pan5/inputs', 1, [this.conv3x3('pan4/down', pan4, 8 * base, 2), fpn5]);
    return [pan3, pan4, this.csp('pan5', x, 16 * base, depth, false)];
  }

  /** (1, 5 + classes, H, W): box, objectness, classes. */
  head(name: string, map: string, hidden: number, classes: number): string {
    const { b } = this;
    const stem = this.conv(`${name}/stem`, map, hidden);
    const branch = (what: string) =>
      this.conv3x3(`${name}/${what}/conv2`, this.conv3x3(`${name}/${what}/conv1`, stem, hidden), hidden);
    const scores = { role: 'last', activation: sigmoid, bias: priorBias } as const;
    const classScores = b.conv(`${name}/class-scores`, branch('class'), classes, scores);
    const box = branch('box');
    const boxes = b.conv(`${name}/boxes`, box, 4, { role: 'last' });
    const objectness = b.conv(`${name}/objectness`, box, 1, scores);
    return b.concat(`${name}/concat`, 1, [boxes, objectness, classScores]);
  }
}

function yolox(variant: Variant, options: NetworkOptions): Graph {
  const resolved = resolveOptions(options, { resolution: 416, classes: 80, multiple: 32 });
  return buildNetwork(variant.name, resolved, (b) => {
    const network = new YoloxBuilder(b, variant);
    // Even numbers, because a CSP layer halves them.
    const base = Math.max(2, 2 * Math.round(32 * variant.width * resolved.width));
    const depth = Math.max(1, Math.round(3 * variant.depth));
    const maps = network.pafpn(network.darknet(b.image('images', [0, 255]), base, depth), base, depth);
    const levels = maps.map((map, i) => {
      const [, , height, width] = b.shape(map);
      const level = network.head(`head${i + 1}`, map, 4 * base, resolved.classes);
      return b.reshape(`head${i + 1}/anchors`, level, [1, 5 + resolved.classes, height * width]);
    });
    return { output: b.transpose('output', b.concat('anchors', 2, levels), [0, 2, 1]) };
  });
}

/**
 * (1, 3, 416, 416), pixels from 0 to 255 → `output` (1, A, 5 + classes): per cell of strides 8, 16 and 32, raw box offsets (to be
 * decoded), objectness and class scores. A = 3549.
 */
export function yoloxNano(options: NetworkOptions = {}): Graph {
  return yolox({ name: 'yolox-nano', depth: 0.33, width: 0.25, isDepthwise: true }, options);
}

/** yoloxNano, wider and without depthwise convolutions. */
export function yoloxTiny(options: NetworkOptions = {}): Graph {
  return yolox({ name: 'yolox-tiny', depth: 0.33, width: 0.375, isDepthwise: false }, options);
}
