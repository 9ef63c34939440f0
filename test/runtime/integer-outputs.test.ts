// Files whose outputs are integers or truth values: they come as float32, of whole numbers, 0 or 1, on any number of threads.
import v8 from 'node:v8';
import { describe, expect, it } from 'vitest';
import { compileModel } from '../../src/compile.ts';
import { loadModel } from '../../src/runtime/load.ts';
import { Tensor } from '../../src/tensor.ts';
import { ModelBuilder } from '../import/tflite/model.ts';
import { builds } from '../kernels/wasm.ts';

v8.setFlagsFromString('--experimental-wasm-relaxed-simd');

const scores = [0.5, -1, 3, 3, 2, 7, -8, 0.25, 0, -2, -1, -9];

/** From [1, 3, 4]: the largest of each 4 as int64 and int32, the 2 largest with their places, and which are below 0. */
function model(): Uint8Array {
  const m = new ModelBuilder();
  const x = m.input('x', [1, 3, 4]);
  for (const [type, outputType] of [
    ['int64', 4],
    ['int32', 2],
  ] as const) {
    const options = { ArgMax: { outputType } };
    m.outputs.push(...m.apply(type, 'ARG_MAX', [x, m.integers([], [2])], [[1, 3]], options, { type }));
  }
  const [values, places] = [
    m.add({ name: 'values', shape: [1, 3, 2] }),
    m.add({ name: 'places', shape: [1, 3, 2], type: 'int32' }),
  ];
  m.operators.push({ op: 'TOPK_V2', inputs: [x, m.integers([], [2])], outputs: [values, places] });
  m.outputs.push(values, places);
  m.outputs.push(
    ...m.apply('below', 'LESS', [x, m.floats([], new Float32Array(1))], [[1, 3, 4]], {}, { type: 'bool' }),
  );
  return compileModel(m.bytes(), { name: 'integers.tflite' });
}

const expected = {
  int64: [2, 1, 0],
  int32: [2, 1, 0],
  values: [3, 3, 7, 2, 0, -1],
  places: [2, 3, 1, 0, 0, 2],
  below: [0, 1, 0, 0, 0, 0, 1, 0, 0, 1, 1, 1],
};

describe.each(builds)('%s', (build) => {
  it.each([1, 2, 3])('outputs of integers and truth values, %i threads', async (threads) => {
    using loaded = await loadModel(model(), { build, threads });
    const outputs = await loaded.run({ x: new Tensor('float32', [1, 3, 4], Float32Array.from(scores)) });
    const numbers = Object.entries(outputs).map(([name, { data }]) => [name, Array.from(data as Float32Array)]);
    expect(Object.fromEntries(numbers)).toEqual(expected);
    expect(Object.values(outputs).map(({ dtype }) => dtype)).toEqual(Array(5).fill('float32'));
    // what the file declares
    expect(loaded.outputs.map(({ dtype }) => dtype)).toEqual(['int64', 'int32', 'float32', 'int32', 'bool']);
  });
});
