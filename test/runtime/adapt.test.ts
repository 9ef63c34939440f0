// Programs that are fitted to their engine and to a limit of memory compute what they computed.
import { describe, expect, it } from 'vitest';
import { writeArtifact } from '../../src/artifact/write.ts';
import { lowerGraph } from '../../src/compile/lower-graph.ts';
import { defaultCostModel } from '../../src/lower/cost.ts';
import { loadModel } from '../../src/runtime/load.ts';
import { Tensor } from '../../src/tensor.ts';
import { GraphBuilder } from '../graphs.ts';
import { builds, randomFloats, relativeError } from '../kernels/wasm.ts';
import { forced } from '../program.ts';

const shape = [1, 6, 18, 19];
const x = new Tensor('float32', shape, randomFloats(1)(6 * 18 * 19));

/** Convolutions of all kinds, over large planes and small ones. */
function network() {
  const g = new GraphBuilder(7);
  const input = g.input(shape);
  const large = g.conv2d(g.conv2d(input, 13, 1), 16, 3, { activation: { fn: 'silu' } });
  const small = g.conv2d(large, 24, 3, { stride: [2, 2] });
  return g.finish(g.conv2d(g.conv2d(small, 20, 1), 9, 3));
}

async function run(bytes: Uint8Array, options: Parameters<typeof loadModel>[1]) {
  const model = await loadModel(bytes, options);
  const { output0 } = await model.run({ input0: x });
  const { total } = model.info.memory;
  model.dispose();
  return { y: output0.data as Float32Array, total };
}

describe.each(builds)('a program, %s build', (build) => {
  it('computes the same bits with wide tiles, saved in any type', async () => {
    for (const costModel of [forced.dense, forced.winograd, defaultCostModel]) {
      for (const weights of ['f32', 'f16', 'int8', 'int4'] as const) {
        const bytes = writeArtifact(lowerGraph(network(), costModel, { dense: true, weights }));
        const narrow = await run(bytes, { build, wideTiles: false });
        const wide = await run(bytes, { build, wideTiles: true });
        expect(wide.y).toEqual(narrow.y);
      }
    }
  });
});

describe('limits.memory', () => {
  const g = new GraphBuilder(8);
  const input = g.input([1, 64, 8, 8]);
  const graph = g.finish(g.conv2d(g.conv2d(input, 96, 3), 96, 3));
  const bytes = writeArtifact(lowerGraph(graph, forced.winograd));
  const inputs = { input0: new Tensor('float32', [1, 64, 8, 8], randomFloats(2)(64 * 64)) };

  it("makes Winograd's tiles small where large ones would exceed it", async () => {
    const free = await loadModel(bytes);
    const tight = await loadModel(bytes, { limits: { memory: free.info.memory.total - 2 ** 20 } });
    expect(tight.info.memory.total).toBeLessThan(free.info.memory.total - 2 ** 20);
    const a = (await free.run(inputs)).output0.data as Float32Array;
    const b = (await tight.run(inputs)).output0.data as Float32Array;
    // two roundings of sums of 576 and 864 terms
    expect(relativeError(b, a)).toBeLessThan(1e-5);
    expect([...b]).not.toEqual([...a]);
    for (const model of [free, tight]) model.dispose();
  });

  it('refuses what exceeds it nevertheless', async () => {
    await expect(loadModel(bytes, { limits: { memory: 2 ** 20 } })).rejects.toThrow(/limits.memory/);
  });
});
