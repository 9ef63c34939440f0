// Callers' tensors ↔ linear memory: the author's axis order and dtype on one side, floats at strides on the other.
import { FiligreeError } from '../errors.ts';
import type { Endpoint } from '../program/program.ts';
import { rowMajorStrides } from '../program/layout.ts';
import { Tensor, elementCount } from '../tensor.ts';

/** Calls back once per innermost run of elements: offset in the storage and in the row-major tensor. */
function eachRow({ shape, strides }: Endpoint, visit: (storage: number, tensor: number) => void): void {
  const outer = shape.length - 1;
  const index = shape.map(() => 0);
  const row = shape[outer] ?? 1;
  const rows = elementCount(shape) / row;
  for (let i = 0, storage = 0; i < rows; i++) {
    visit(storage, i * row);
    for (let axis = outer - 1; axis >= 0; axis--) {
      storage += strides[axis];
      if (++index[axis] < shape[axis]) break;
      storage -= shape[axis] * strides[axis];
      index[axis] = 0;
    }
  }
}

/** Whether an endpoint is stored as its author's shape says, without gaps. */
export const isRowMajor = ({ shape, strides }: Endpoint) => {
  const contiguous = rowMajorStrides(shape);
  return shape.every((n, i) => n === 1 || strides[i] === contiguous[i]);
};

const describe = (endpoint: Endpoint) => `${endpoint.dtype} [${endpoint.shape.join(', ')}]`;

/**
 * Writes an input tensor into storage. A tensor of the declared integer dtype is dequantised; float32 holds real values.
 * @throws FiligreeError `invalid-argument` on another dtype or shape, or what is no tensor of that shape.
 */
export function writeInput(endpoint: Endpoint, tensor: Tensor, storage: Float32Array, model: string): void {
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
  const { scale, zeroPoint } =
    tensor.dtype !== 'float32' && endpoint.quantization ? endpoint.quantization : { scale: 1, zeroPoint: 0 };
  if (tensor.dtype === 'float16' || tensor.dtype === 'int64') {
    throw new FiligreeError(
      'invalid-argument',
      `${model}: input "${endpoint.name}": give float32, not ${tensor.dtype}`,
    );
  }
  const count = elementCount(endpoint.shape);
  if (tensor.data.length !== count) {
    throw new FiligreeError(
      'invalid-argument',
      `${model}: input "${endpoint.name}" is ${describe(endpoint)}: ${count} elements; the data has ${tensor.data.length}`,
    );
  }
  const data = tensor.data as Exclude<Tensor['data'], BigInt64Array>;
  if (isRowMajor(endpoint) && data instanceof Float32Array) {
    storage.set(data);
    return;
  }
  const row = endpoint.shape.at(-1) ?? 1;
  const step = endpoint.strides.at(-1) ?? 1;
  eachRow(endpoint, (to, from) => {
    for (let i = 0; i < row; i++) storage[to + i * step] = scale * (data[from + i] - zeroPoint);
  });
}

/** Copies an output out of storage, as float32 in the author's axis order. */
export function readOutput(endpoint: Endpoint, storage: Float32Array): Tensor {
  const { shape, strides } = endpoint;
  if (isRowMajor(endpoint)) return new Tensor('float32', shape, storage.slice(0, elementCount(shape)));
  const data = new Float32Array(elementCount(shape));
  const row = shape.at(-1) ?? 1;
  const step = strides.at(-1) ?? 1;
  eachRow(endpoint, (from, to) => {
    for (let i = 0; i < row; i++) data[to + i] = storage[from + i * step];
  });
  return new Tensor('float32', shape, data);
}

/** Floats from the first to the last element of an endpoint, both included. */
export function endpointFloats({ shape, strides }: Endpoint): number {
  return 1 + shape.reduce((sum, n, i) => sum + (n - 1) * strides[i], 0);
}
