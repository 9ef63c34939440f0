// Every operator, in the opsets in which it differs, against onnxruntime-web.
import { beforeAll, describe, expect, it, vi } from 'vitest';
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
import { Operation } from '../../../src/import/onnx/operation.ts';
import { onnxOperators } from '../../../src/import/onnx/operators/index.ts';
import type { OperatorName } from '../../../src/ops/index.ts';

const cases = operatorCases.map(({ title, opset, build, ...rest }, i) => {
  const model = new OnnxBuilder(opset, i + 1);
  const made = build(model);
  for (const name of Array.isArray(made) ? made : [made]) model.output(name);
  return { title: `${title} (opset ${opset})`, model, bytes: model.bytesOfModel(), ...rest };
});

const emitted = vi.spyOn(Operation.prototype, 'emitAll');

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

it('become what docs/operators.md says', () => {
  const found = new Map<string, Set<string>>();
  emitted.mock.calls.forEach(([op], i) => {
    const { domain, op: name } = (emitted.mock.contexts[i] as Operation).node;
    const key = domain === '' ? name : `${domain}.${name}`;
    found.set(key, (found.get(key) ?? new Set()).add(op));
  });
  for (const [name, { becomes }] of onnxOperators) {
    const others = [...(found.get(name) ?? [])].filter((op) => !becomes.includes(op as OperatorName));
    expect(others, name).toEqual([]);
  }
  expect(found.size).toBeGreaterThan(60);
});
