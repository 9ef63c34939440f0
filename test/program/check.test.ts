import { expect, it } from 'vitest';
import { forced } from '../program.ts';
import { lowerGraph } from '../../src/compile/lower-graph.ts';
import { checkProgram } from '../../src/program/check.ts';
import type { Constant, Program } from '../../src/program/program.ts';
import { Tensor } from '../../src/tensor.ts';
import { GraphBuilder } from '../graphs.ts';
import { builds, randomFloats } from '../kernels/wasm.ts';
import { loadGraph } from '../program.ts';

it('lets vectors reach past the end of numbers, where there is slack', async () => {
  const b = new GraphBuilder();
  const anchors = randomFloats(2)(252);
  const x = b.input([1, 2, 126]);
  const graph = b.finish(b.node('binary', { fn: 'sub' }, b.constant([1, 2, 126], anchors), x));
  const distances = randomFloats(3)(252);
  for (const build of builds) {
    const model = await loadGraph(graph, build);
    const { output0 } = await model.run({ input0: new Tensor('float32', [1, 2, 126], distances) });
    expect([...output0.data]).toEqual([...anchors].map((v, i) => Math.fround(v - distances[i])));
    model.dispose();
  }
});

it('takes no numbers for indices', () => {
  const b = new GraphBuilder();
  const program = lowerGraph(b.finish(b.conv2d(b.input([1, 8, 6, 6]), 8, 1)), forced.dense);
  const withTaps = (constant: Constant): Program => ({
    ...program,
    buffers: program.buffers.map((buffer) =>
      buffer.kind === 'constant' && buffer.constant.form === 'taps' ? { kind: 'constant', constant } : buffer,
    ),
  });
  checkProgram(program);
  expect(() => checkProgram(withTaps({ form: 'f32', data: new Float32Array(8).fill(1e30) }))).toThrow(
    /f32_gemm_8x4.*taps/,
  );
});
