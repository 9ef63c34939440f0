import { it } from 'vitest';
import { readFileSync } from 'node:fs';
import { importModel, compileGraph } from '../../src/compile/index.ts';
import { writeArtifact } from '../../src/artifact/write.ts';
import { loadModel } from '../../src/runtime/load.ts';
import { Tensor } from '../../src/tensor.ts';
import v8 from 'node:v8';
v8.setFlagsFromString('--experimental-wasm-relaxed-simd');
import { operators } from '../../src/ops/index.ts';
const rz: any = operators.resize;
rz.infer = (a: any, [x]: any) => [[x.shape[0], x.shape[1], ...a.size]];
rz.lower = () => {};
for (const p of ['maxPool', 'averagePool'] as any) {
  const o: any = (operators as any)[p];
  o.lower = () => {};
  o.infer = (a: any, [x]: any) => [
    [x.shape[0], x.shape[1], Math.floor(x.shape[2] / a.stride[0]), Math.floor(x.shape[3] / a.stride[1])],
  ];
}
it('face', async () => {
  for (const f of ['full_range_sparse', 'full_range', 'short_range']) {
    const bytes = readFileSync(`node_modules/@mediapipe/face_detection/face_detection_${f}.tflite`);
    let t0 = performance.now();
    const graph = importModel(bytes, f);
    console.log(f, 'nodes', graph.nodes.length, performance.now() - t0);
    const program = compileGraph(graph);
    console.log('nodes', graph.nodes.length, 'arena', program.arenaBytes, program.naiveArenaBytes);
    const count: any = {};
    for (const n of graph.nodes) count[n.op] = (count[n.op] ?? 0) + 1;
    console.log(count);
    const art = writeArtifact(program);
    console.log('artifact', art.length, 'tflite', bytes.length);
    t0 = performance.now();
    const m = await loadModel(art);
    console.log('load', performance.now() - t0);
    const n = m.inputs[0].shape.reduce((a, b) => a * b);
    const x = new Tensor(
      'float32',
      m.inputs[0].shape,
      Float32Array.from({ length: n }, (_, i) => Math.sin(i)),
    );
    t0 = performance.now();
    await m.run({ [m.inputs[0].name]: x });
    console.log('first', performance.now() - t0);
    const ts = [];
    for (let i = 0; i < 100; i++) {
      t0 = performance.now();
      await m.run({ [m.inputs[0].name]: x });
      ts.push(performance.now() - t0);
    }
    ts.sort((a, b) => a - b);
    console.log('median', ts[50], 'min', ts[0], m.info.build);
    const prof = await m.profile({ [m.inputs[0].name]: x });
    const by: any = {};
    for (const p of prof) {
      const k = p.kernels.join('+');
      by[k] ??= [0, 0, 0];
      by[k][0]++;
      by[k][1] += p.ms;
      by[k][2] += p.effectiveMacs * 2e-6;
    }
    for (const k in by)
      console.log(k.padEnd(60), by[k][0], by[k][1].toFixed(3), 'ms', (by[k][2] / by[k][1]).toFixed(1), 'GF');
  }
});
