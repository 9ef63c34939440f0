// Checks callers' tensors against a program's endpoints.
import { FiligreeError } from '../errors.ts';
import type { Endpoint } from '../program/program.ts';
import { dequantise, representableBy, saturate } from '../quantisation.ts';
import { rowMajorStrides } from '../program/layout.ts';
import type { Tensor } from '../tensor.ts';
import { elementCount } from '../tensor.ts';

/** Whether an endpoint is stored row-major in its author's shape, without gaps. */
export const isRowMajor = ({ shape, strides }: Endpoint) => {
  const contiguous = rowMajorStrides(shape);
  return shape.every((n, i) => n === 1 || strides[i] === contiguous[i]);
};

/** Real numbers, or of an input in bytes also its integers. */
export type InputValues = Float32Array | Int8Array | Uint8Array;

const describe = (endpoint: Endpoint) => `${endpoint.dtype} [${endpoint.shape.join(', ')}]`;

/**
 * Checks an input tensor and returns its elements as real numbers, row-major. A tensor of the declared integer dtype is
 * dequantised, unless the input is stored in bytes. float32 holds real values; values outside a quantised input's range saturate.
 * @throws FiligreeError `invalid-argument` for another dtype or shape, or data that does not fit the shape.
 */
export function inputValues(endpoint: Endpoint, tensor: Tensor, model: string): InputValues {
  if (!Array.isArray(tensor.shape)) {
    const found = (tensor as object).constructor?.name ?? typeof tensor;
    throw new FiligreeError(
      'invalid-argument',
      `${model}: input "${endpoint.name}" is ${describe(endpoint)}: wanted a Tensor, got ${found}`,
    );
  }
  const fits = tensor.shape.length === endpoint.shape.length && tensor.shape.every((n, i) => n === endpoint.shape[i]);
  if (!fits || (tensor.dtype !== 'float32' && tensor.dtype !== endpoint.dtype)) {
    throw new FiligreeError(
      'invalid-argument',
      `${model}: input "${endpoint.name}" is ${describe(endpoint)}; got ${tensor.dtype} [${tensor.shape.join(', ')}]`,
    );
  }
  if (tensor.dtype === 'float16' || tensor.dtype === 'int64') {
    throw new FiligreeError(
      'invalid-argument',
      `${model}: input "${endpoint.name}": give float32, not ${tensor.dtype}`,
    );
  }
  const elements = elementCount(endpoint.shape);
  if (tensor.data.length !== elements) {
    throw new FiligreeError(
      'invalid-argument',
      `${model}: input "${endpoint.name}" is ${describe(endpoint)}: ${elements} elements; the data has ${tensor.data.length}`,
    );
  }
  const data = tensor.data as Exclude<Tensor['data'], BigInt64Array>;
  if (endpoint.quads) return data as InputValues;
  if (!(data instanceof Float32Array)) return dequantise(data, endpoint.quantization ?? { scale: 1, zeroPoint: 0 });
  const range = representableBy(endpoint);
  return range ? saturate(data, range) : data;
}
