// Every operator, in the opsets in which it differs, against onnxruntime-web.
import { beforeAll, describe, expect, it } from 'vitest';
import { evaluate } from '../../../src/graph/evaluate.ts';
import { verify } from '../../../src/graph/verify.ts';
import { importOnnx } from '../../../src/import/onnx/index.ts';
import { loadModel } from '../../../src/runtime/load.ts';
import { compileModel } from '../../../src/compile.ts';
import { relativeError } from '../../kernels/wasm.ts';
import type { PeerOutput } from '../../peers/index.ts';
import { runOnnxModels } from '../../peers/onnxruntime.ts';
import { OnnxBuilder } from './model.ts';
import { operatorCases } from './cases/index.ts';

const cases = operatorCases.map(({ title, opset, build, ...rest }, i) => {
  const model = new OnnxBuilder(opset, i + 1);
  const made = build(model);
  for (const name of Array.isArray(made) ? made : [made]) model.output(name);
  return { title: `${title} (opset ${opset})`, model, bytes: model.bytesOfModel(), ...rest };
});

describe('operators', () => {
  let expected: (PeerOutput[] | Error)[];
  beforeAll(async () => {
    expected = await runOnnxModels(
      cases.map(({ model, bytes }) => ({ model: bytes, inputs: model.feeds, unoptimised: true })),
    );
  });

  it.each(cases.map((one, i) => ({ ...one, i })))('$title', async ({ model, bytes, i, tolerance, ops }) => {
    const peer = expected[i];
    if (peer instanceof Error) throw peer;
    const graph = importOnnx(bytes, 'test.onnx');
    verify(graph);
    if (ops) expect(graph.nodes.map(({ op }) => op)).toEqual(ops);
    const found = evaluate(graph, model.feeds);
    expect(Object.keys(found)).toEqual(peer.map(({ name }) => name));
    for (const { name, shape, data } of peer) {
      expect(found[name!].shape).toEqual(shape);
      // Both are float32; the evaluator adds in float64.
      expect(relativeError(found[name!].data as Float32Array, data)).toBeLessThan(tolerance ?? 1e-5);
    }
    // Passes, kernels and all.
    const compiled = await loadModel(compileModel(bytes));
    const results = await compiled.run(model.feeds);
    compiled.dispose();
    for (const { name, data } of peer) {
      expect(relativeError(results[name!].data as Float32Array, data), 'compiled').toBeLessThan(tolerance ?? 1e-4);
    }
  });
});
