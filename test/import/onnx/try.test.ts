import { readFileSync } from 'node:fs';
import { it } from 'vitest';
import { evaluate } from '../../../src/graph/evaluate.ts';
import { importOnnx } from '../../../src/import/onnx/index.ts';
import { writeArtifact } from '../../../src/artifact/write.ts';
import { compileGraph } from '../../../src/compile/index.ts';
import { loadModel } from '../../../src/runtime/load.ts';
import { Tensor, elementCount } from '../../../src/tensor.ts';
import { randomFloats, relativeError } from '../../kernels/wasm.ts';
import { runPeer } from '../../peers/index.ts';
it('x', {timeout: 300000}, async () => {
  const f='/work/shared/data/models/yolox_nano_coco/yolox_nano.onnx';
  for (const scale of [1, 127]) {
  const input = randomFloats(3)(3*416*416, scale).map((x) => scale > 1 ? Math.abs(x*2) : x);
  const t = { images: new Tensor('float32', [1,3,416,416], input) };
  const g = importOnnx(readFileSync(f), 'f');
  const e = evaluate(g, t).output.data as Float32Array;
  const m = await loadModel(writeArtifact(compileGraph(g)));
  const o = (await m.run(t)).output.data as Float32Array;
  const p = (await runPeer('onnxruntime', f, [input])).outputs[0].data;
  console.log(scale, 'ours-ref', relativeError(o, e), 'ort-ref', relativeError(p, e), 'ours-ort', relativeError(o, p), Math.max(...e));
  }
});
