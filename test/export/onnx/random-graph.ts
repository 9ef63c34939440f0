// Random small networks: feature maps of changing sizes, branches, residual sums, concatenations, splits.
import type { Graph } from '../../../src/graph/graph.ts';
import { unaryFunctions, type Activation } from '../../../src/program/activations.ts';
import { GraphBuilder } from '../../graphs.ts';
import { randomFloats } from '../../kernels/wasm.ts';

/** Functions that keep numbers small and defined everywhere. */
const demanding = ['exp', 'sqrt', 'reciprocal', 'log', 'rsqrt', 'square', 'floor', 'ceil', 'round', 'trunc', 'sign'];
const safe = unaryFunctions.filter((fn) => !demanding.includes(fn));

export function randomGraph(seed: number): Graph {
  const b = new GraphBuilder(seed);
  const random = randomFloats(seed + 1000);
  /** An integer from 0 to n − 1. */
  const below = (n: number) => Math.min(Math.floor(((random(1)[0] + 1) / 2) * n), n - 1);
  const pick = <const T>(list: readonly T[]): T => list[below(list.length)];
  const activation = (): Activation | undefined => (below(2) ? { fn: pick(safe), alpha: 0.1, beta: 1.5 } : undefined);

  const maps = [b.input([1, 2 + below(4), 6 + below(6), 6 + below(6)])];
  const steps = 4 + below(8);
  for (let i = 0; i < steps; i++) {
    const x = pick(maps);
    const [, c, h, w] = b.shape(x);
    const like = maps.filter((other) => b.shape(other).slice(2).join() === [h, w].join());
    const same = maps.filter((other) => b.shape(other).join() === b.shape(x).join());
    switch (below(11)) {
      case 0:
      case 1:
        maps.push(
          b.conv2d(x, 1 + below(6), pick([1, 3]), {
            stride: pick([
              [1, 1],
              [2, 2],
              [1, 2],
            ]),
            activation: activation(),
          }),
        );
        break;
      case 2:
        maps.push(b.conv2d(x, c, 3, { groups: c, activation: activation() }));
        break;
      case 3:
        maps.push(
          b.node('binary', { fn: pick(['add', 'sub', 'mul', 'max', 'min']), activation: activation() }, x, pick(same)),
        );
        break;
      case 4:
        maps.push(b.node('concat', { axis: 1 }, x, pick(like)));
        break;
      case 5:
        if (h >= 3 && w >= 3)
          maps.push(
            b.node(
              'maxPool',
              {
                kernel: [3, 3],
                stride: pick([
                  [1, 1],
                  [2, 2],
                ]),
                dilation: [1, 1],
                pads: [1, 1, 1, 1],
                ceilMode: false,
              },
              x,
            ),
          );
        break;
      case 6:
        if (h * w < 400)
          maps.push(
            b.node(
              'resize',
              {
                mode: pick(['nearest', 'linear']),
                size: [2 * h, 2 * w],
                coordinates: pick(['asymmetric', 'halfPixel']),
                nearest: 'floor',
              },
              x,
            ),
          );
        break;
      case 7:
        maps.push(
          b.node(
            'binary',
            { fn: 'mul' },
            x,
            b.node(
              'unary',
              { fn: 'sigmoid' },
              b.conv2d(b.node('reduce', { fn: 'mean', axes: [2, 3], keepDims: true }, x), c, 1),
            ),
          ),
        );
        break;
      case 8:
        if (c > 1) maps.push(...b.nodes('split', { axis: 1, sizes: [1, c - 1] }, [x], 2));
        break;
      case 9:
        maps.push(b.node('unary', { fn: pick(safe), alpha: 0.1, beta: 1.5 }, x));
        break;
      default:
        maps.push(
          b.node(
            'pad',
            { before: [0, 0, below(2), 1], after: [0, 0, 1, below(3)], mode: pick(['constant', 'edge']), value: 0.5 },
            x,
          ),
        );
    }
  }
  const last = maps[maps.length - 1];
  const [n, c, h, w] = b.shape(last);
  const rows = b.node('reshape', { shape: [n, c, h * w] }, last);
  const turned = b.node('transpose', { permutation: [0, 2, 1] }, rows);
  const outputs = [b.node('linear', {}, turned, b.constant([3, c]), b.constant([3]))];
  const other = pick(maps.slice(1).length ? maps.slice(1) : maps);
  if (below(2) && other !== maps[0]) outputs.push(other);
  return b.finish(...outputs);
}
