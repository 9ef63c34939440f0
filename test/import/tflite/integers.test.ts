// Shapes that the file computes are known when it has been read.
import { describe, expect, it } from 'vitest';
import { importTflite } from '../../../src/import/tflite/index.ts';
import { ModelBuilder } from './model.ts';

const int32 = { type: 'int32' } as const;

/** A reshape of x (1, 4, 6, 2) to the shape that `make` computes. */
function reshaped(make: (model: ModelBuilder, x: number) => number, shape: number[]): string[] {
  const model = new ModelBuilder();
  const x = model.input('x', [1, 4, 6, 2], { signature: [-1, 4, 6, 2] });
  model.output('y', 'RESHAPE', [x, make(model, x)], [shape]);
  const graph = importTflite(model.bytes(), 'shapes.tflite');
  expect(graph.values.get(graph.outputs[0].value)!.shape).toEqual(shape);
  return graph.nodes.map(({ op }) => op);
}

describe('shapes that are computed', () => {
  it('batch from SHAPE, the rest given, as Keras writes Reshape', () => {
    const ops = reshaped(
      (model, x) => {
        const [shape] = model.apply('shape', 'SHAPE', [x], [[4]], undefined, int32);
        const [zero, one] = [model.integers([1], [0]), model.integers([1], [1])];
        const slice = { StridedSlice: { shrinkMask: 1 } };
        const [batch] = model.apply('batch', 'STRIDED_SLICE', [shape, zero, one, one], [[]], slice, int32);
        const rest = [model.integers([], [24]), model.integers([], [2])];
        return model.apply('target', 'PACK', [batch, ...rest], [[3]], { Pack: { count: 3, axis: 0 } }, int32)[0];
      },
      [1, 24, 2],
    );
    expect(ops).toEqual(['transpose', 'reshape']);
  });

  it('by GATHER, REDUCE_PROD, arithmetic and CONCATENATION', () => {
    const ops = reshaped(
      (model, x) => {
        const [shape] = model.apply('shape', 'SHAPE', [x], [[4]], undefined, int32);
        const [sides] = model.apply(
          'sides',
          'GATHER',
          [shape, model.integers([2], [1, 2])],
          [[2]],
          { Gather: { axis: 0 } },
          int32,
        );
        const [pixels] = model.apply(
          'pixels',
          'REDUCE_PROD',
          [sides, model.integers([1], [0])],
          [[]],
          { Reducer: {} },
          int32,
        );
        const [twice] = model.apply('twice', 'MUL', [pixels, model.integers([1], [2])], [[1]], { Mul: {} }, int32);
        const [half] = model.apply('half', 'FLOOR_DIV', [twice, model.integers([1], [2])], [[1]], undefined, int32);
        const [line] = model.apply('line', 'RESHAPE', [half, model.integers([1], [1])], [[1]], undefined, int32);
        return model.apply(
          'target',
          'CONCATENATION',
          [line, model.integers([1], [-1])],
          [[2]],
          { Concatenation: { axis: 0 } },
          int32,
        )[0];
      },
      [24, 2],
    );
    expect(ops).toEqual(['transpose', 'reshape']);
  });

  it('from values are not', () => {
    const model = new ModelBuilder();
    const x = model.input('x', [1, 4]);
    const [shape] = model.apply('shape', 'CAST', [x], [[1, 4]], undefined, int32);
    model.output('y', 'RESHAPE', [x, shape], [[4, 1]]);
    expect(() => importTflite(model.bytes(), 'shapes.tflite')).toThrow(
      'operator 1 "y" (RESHAPE): the shape must be constant',
    );
  });
});
