import { readFileSync } from 'node:fs';
import v8 from 'node:v8';
import { brotliCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { writeArtifact } from '../../src/artifact/write.ts';
import { compileGraph, importModel, trimWasm } from '../../src/compile.ts';
import { defaultCostModel } from '../../src/lower/cost.ts';
import { lowerGraph } from '../../src/compile/lower-graph.ts';
import { loadModel } from '../../src/runtime/load.ts';
import { Tensor } from '../../src/tensor.ts';
import { randomFloats } from '../kernels/wasm.ts';
import { faceModels } from '../models/published.ts';
import { oneNode } from '../program.ts';

v8.setFlagsFromString('--experimental-wasm-relaxed-simd');

const wasm = (build: string) => new Uint8Array(readFileSync(`src/hosts/wasm/filigree-${build}.wasm`));
const faces = () => compileGraph(importModel(new Uint8Array(readFileSync(faceModels.sparse)), 'faces'));

describe('trimWasm', () => {
  it.each(['simd', 'relaxed'] as const)(
    'keeps what the face model runs, to the bit, and little else: %s',
    async (build) => {
      const program = faces();
      const trimmed = await trimWasm(wasm(build), [program]);
      expect(trimmed.length).toBeLessThan(0.72 * wasm(build).length);
      expect(brotliCompressSync(trimmed).length).toBeLessThan(17_400);
      const artifact = writeArtifact(program);
      const input = { input_1: new Tensor('float32', [1, 192, 192, 3], randomFloats(5)(192 * 192 * 3)) };
      const results = [];
      for (const [source, threads] of [
        [wasm(build), 1],
        [trimmed, 1],
        [trimmed, 2],
      ] as const) {
        const model = await loadModel(artifact, { build, threads, wasm: () => source });
        expect(model.info).toMatchObject({ threads, notes: program.notes });
        results.push(await model.run(input));
        model.dispose();
      }
      expect(results[1]).toEqual(results[0]);
      expect(results[2]).toEqual(results[0]);
    },
  );

  it('is told from the full build by a model that needs more', async () => {
    const trimmed = await trimWasm(wasm('simd'), [faces()]);
    const other = writeArtifact(lowerGraph(oneNode('softmax', { axis: 1, beta: 1 }, [[1, 4]], []), defaultCostModel));
    await expect(loadModel(other, { build: 'simd', wasm: () => trimmed })).rejects.toMatchObject({
      code: 'environment',
      message: expect.stringContaining('f32_softmax'),
    });
  });

  it('refuses bytes that are not a build', async () => {
    await expect(trimWasm(new Uint8Array(100), [])).rejects.toMatchObject({ code: 'invalid-argument' });
    const empty = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]);
    await expect(trimWasm(empty, [])).rejects.toMatchObject({ code: 'invalid-argument' });
  });
});
