// NaN, infinities, huge and tiny numbers through layers that run in integers: docs/numerics.md.
import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../graphs.ts';
import { randomFloats } from '../kernels/wasm.ts';
import { runBy } from './run.ts';

describe.each(['int8', 'int4'] as const)('linear weights in %s', (linearWeights) => {
  const [images, columns, rows] = [6, 128, 140];
  const graph = () => {
    const b = new GraphBuilder();
    const x = b.input([images, columns]);
    return b.finish(b.node('linear', {}, x, b.constant([rows, columns]), b.constant([rows])));
  };
  const random = randomFloats(9)(images * columns);
  const row = (y: Float32Array, image: number) => y.subarray(image * rows, (image + 1) * rows);

  it('an image with NaN or an infinity gives no number in any of its results, and the others theirs', async () => {
    const x = random.slice();
    x[5] = NaN;
    x[columns + 7] = Infinity;
    x[5 * columns + 100] = -Infinity;
    const plain = await runBy(graph(), '', random, { linearWeights });
    for (const [i, [build, y]] of (await runBy(graph(), '', x, { linearWeights })).entries()) {
      for (const image of [0, 1, 5])
        expect(row(y, image).some(Number.isFinite), `${build}, image ${image}`).toBe(false);
      for (const image of [2, 3, 4]) expect(row(y, image), build).toEqual(row(plain[i][1], image));
    }
  });

  it('scales huge and tiny inputs as they are; those of an image below 1.6e-39 become 0', async () => {
    const [, [, plain]] = await runBy(graph(), '', random, { linearWeights });
    const bias = graph().values.get(graph().nodes[0].inputs[2])!.data as Float32Array;
    for (const scale of [2 ** 100, 2 ** -90]) {
      const x = random.map((v) => v * scale);
      for (const [build, y] of await runBy(graph(), '', x, { linearWeights })) {
        for (let i = 0; i < rows; i++) {
          const wanted = (plain[i] - bias[i]) * scale + bias[i];
          expect(Math.abs(y[i] - wanted), `${build} × ${scale}`).toBeLessThanOrEqual(1e-5 * Math.max(1, scale) * 10);
        }
      }
    }
    for (const [, y] of await runBy(
      graph(),
      '',
      random.map((v) => v * 1e-40),
      { linearWeights },
    )) {
      expect(Array.from(row(y, 0))).toEqual(Array.from(bias));
    }
  });
});
