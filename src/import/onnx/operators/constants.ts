// Operators that make constants: stored ones, and the shapes of values.
import type { ImportedOperator } from '../../imported-operator.ts';
import { maxAxes } from '../../graph-writer.ts';
import { elementCount } from '../../../tensor.ts';
import { emptyNumbers, float32s, int64s, isNumeric } from '../constant.ts';
import type { Handler, Operation } from '../operation.ts';

const shapeOf: Handler = (operation) => {
  const shape = operation.shape(0);
  const place = (index: number) => Math.min(Math.max(index < 0 ? index + shape.length : index, 0), shape.length);
  operation.constantResult(
    int64s(shape.slice(place(operation.int('start', 0)), place(operation.int('end', shape.length)))),
  );
};

const size: Handler = (operation) => operation.constantResult(int64s([elementCount(operation.shape(0))], []));

const constantOfShape: Handler = (operation) => {
  const shape = operation.integers(0, 'the shape');
  if (shape.length > maxAxes || shape.some((d) => d < 0)) operation.fail(`shape [${shape}]`);
  const stored = operation.tensor('value');
  const fill = stored ? operation.translation.tensors.constant(stored) : float32s([1], Float32Array.of(0));
  if (fill.data.length !== 1) operation.fail(`value of shape [${fill.shape}] must be one number`);
  operation.spend(elementCount(shape));
  if (!isNumeric(fill.type)) return operation.unsupported(`a constant of type ${fill.type}`);
  const data = emptyNumbers(fill.type, elementCount(shape)).fill(fill.data[0]);
  operation.constantResult({ type: fill.type, shape, data });
};

const constant: Handler = (operation) => {
  const { tensors } = operation.translation;
  const stored = operation.tensor('value');
  const sparse = operation.node.attributes.get('sparse_value')?.sparse;
  if (stored) return operation.constantResult(tensors.constant(stored));
  if (sparse) return operation.constantResult(tensors.sparse(sparse));
  if (operation.hasAttribute('value_float')) {
    return operation.constantResult(float32s([], Float32Array.of(operation.float('value_float'))));
  }
  if (operation.hasAttribute('value_int')) return operation.constantResult(int64s([operation.int('value_int')], []));
  const floats = operation.floats('value_floats');
  if (floats) return operation.constantResult(float32s([floats.length], Float32Array.from(floats)));
  const ints = operation.ints('value_ints');
  if (ints) return operation.constantResult(int64s(ints));
  operation.unsupported('a constant of strings');
};

export const constants: Record<string, ImportedOperator<Operation>> = {
  Shape: { becomes: [], limits: '', translate: shapeOf },
  Size: { becomes: [], limits: '', translate: size },
  ConstantOfShape: { becomes: [], limits: 'The shape is a constant.', translate: constantOfShape },
  Constant: { becomes: [], limits: 'No strings.', translate: constant },
};
