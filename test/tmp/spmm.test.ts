import { it } from 'vitest';
import { createKernels } from '../../src/kernels.ts';
import { packSpmm, packGemm } from '../../src/compile/pack.ts';
import { paddedPlane } from '../../src/graph/layout.ts';
import { randomFloats } from '../kernels/wasm.ts';
it('perf', async () => {
  const k = await createKernels({ build: 'simd' });
  const rnd = randomFloats(5);
  for (const [hw, ci, co] of [
    [56, 64, 128],
    [28, 128, 256],
    [28, 256, 256],
    [14, 256, 512],
    [14, 512, 512],
    [7, 512, 1024],
    [7, 1024, 1024],
  ]) {
    const line = [];
    for (const [name, g] of [
      ['f32_gemm_8x4', 0],
      ['f32_spmm_28x1', 1],
      ['f32_spmm_16x2', 2],
      ['f32_spmm_8x4', 4],
    ] as any) {
      k.reset();
      const plane = paddedPlane(hw * hw);
      const x = k.allocate(4 * ci * plane + 64),
        y = k.allocate(4 * co * plane + 64);
      const gg = g || 4;
      const W = rnd(ci * co),
        d = rnd(ci * co);
      let nnz = 0;
      for (let r = 0; r < co; r++)
        for (let c = 0; c < ci; c++) {
          if (g && d[Math.floor(r / gg) * ci + c] > -0.8) W[r * ci + c] = 0;
          else nnz++;
        }
      const taps = k.allocate(4 * ci),
        weights = k.allocate(40 * ci * co + 64);
      const stage = k.allocate(16 * ci * co);
      k.exports.expand_taps(taps, ci, 1, 1, 1, 1, 1, 1, 4 * plane, 0, 0);
      if (g) {
        const c: any = packSpmm(co, ci, g, W, undefined, 0);
        let a = stage;
        const put = (d: any) => {
          const at = a;
          new Uint8Array(k.memory.buffer).set(new Uint8Array(d.buffer, d.byteOffset, d.byteLength), at);
          a += (d.byteLength + 63) & ~63;
          return at;
        };
        const counts = put(c.counts),
          gaps = put(c.gaps),
          values = put(c.values),
          bias = put(new Float32Array(co));
        k.exports.expand_spmm(counts, gaps, gaps + c.gaps.length, values, bias, taps, weights, co, ci, g);
      } else {
        k.floats(stage, co * ci).set(W);
        const bias = stage + 4 * co * ci;
        k.floats(bias, co).fill(0);
        k.exports.expand_gemm(stage, bias, weights, co, ci);
      }
      k.floats(x, ci * plane).set(rnd(ci * plane));
      const run = k.record(name, {
        x,
        taps,
        weights,
        y,
        batch: 1,
        xBatch: 0,
        yBatch: 0,
        rows: co,
        columns: ci,
        height: hw,
        width: hw,
        rowPixels: 0,
        yPlane: 4 * plane,
        min: -Infinity,
        max: Infinity,
        activation: 0,
        alpha: 0,
        beta: 0,
      });
      for (let i = 0, t = performance.now(); performance.now() - t < 300; i++) run();
      let best = 1e9;
      for (let i = 0; i < 40; i++) {
        const t = performance.now();
        for (let j = 0; j < 5; j++) run();
        best = Math.min(best, (performance.now() - t) / 5);
      }
      line.push(`${name} ${((2e-6 * nnz * hw * hw) / best).toFixed(1)}`);
    }
    console.log(hw, ci, co, line.join('  '));
  }
}, 100000);
