// Callers' tensors ↔ linear memory: row-major on one side, floats at an endpoint's strides on the other. Where these differ
// the kernel f32_copy does it, through a staging area behind the program.
import { rowMajorStrides } from '../program/layout.ts';
import type { Endpoint } from '../program/program.ts';
import { elementCount } from '../tensor.ts';
import { endpointFloats, isRowMajor } from './endpoint.ts';
import type { Instance } from './instantiate.ts';
import { growMemory } from './instantiate.ts';
import { recordBytes, up64, writeRecord } from './record.ts';

interface Strided {
  address: number;
  /** In elements, one for each axis. */
  strides: readonly number[];
}

/** Axes that f32_copy takes. An endpoint of more is walked in JavaScript. */
const copyAxes = 6;

/** Writes row-major values to an endpoint stored at `address`. `free` is where the program's memory ends. */
export function writeValues(
  instance: Instance,
  free: number,
  endpoint: Endpoint,
  address: number,
  values: Float32Array,
): void {
  const { shape, strides } = endpoint;
  const { memory } = instance;
  if (isRowMajor(endpoint)) new Float32Array(memory.buffer, address, values.length).set(values);
  else if (shape.length > copyAxes) {
    const storage = new Float32Array(memory.buffer, address, endpointFloats(endpoint));
    eachElement(endpoint, (stored, i) => (storage[stored] = values[i]));
  } else {
    const staging = reserve(instance, free, values.length);
    new Float32Array(memory.buffer, staging, values.length).set(values);
    copy(instance, free, shape, { address: staging, strides: rowMajorStrides(shape) }, { address, strides });
  }
}

/** The values of an endpoint stored at `address`, row-major, in an array of their own. */
export function readValues(instance: Instance, free: number, endpoint: Endpoint, address: number): Float32Array {
  const { shape, strides } = endpoint;
  const { memory } = instance;
  const count = elementCount(shape);
  if (isRowMajor(endpoint)) return new Float32Array(memory.buffer, address, count).slice();
  if (shape.length > copyAxes) {
    const storage = new Float32Array(memory.buffer, address, endpointFloats(endpoint));
    const values = new Float32Array(count);
    eachElement(endpoint, (stored, i) => (values[i] = storage[stored]));
    return values;
  }
  const staging = reserve(instance, free, count);
  copy(instance, free, shape, { address, strides }, { address: staging, strides: rowMajorStrides(shape) });
  return new Float32Array(memory.buffer, staging, count).slice();
}

/** Makes room for a record and so many floats; memory grows the first time that they are more than all before. */
function reserve({ memory }: Instance, free: number, floats: number): number {
  const staging = up64(up64(free) + recordBytes('f32_copy'));
  growMemory(memory, staging + 4 * floats + 64, 'tensors');
  return staging;
}

function copy({ memory, exports }: Instance, free: number, shape: readonly number[], x: Strided, y: Strided): void {
  const args: Record<string, number> = { x: x.address, y: y.address };
  const absent = copyAxes - shape.length;
  for (let i = 0; i < copyAxes; i++) {
    const axis = i - absent;
    args[`d${i}`] = axis < 0 ? 1 : shape[axis];
    args[`x${i}`] = axis < 0 ? 0 : 4 * x.strides[axis];
    args[`y${i}`] = axis < 0 ? 0 : 4 * y.strides[axis];
  }
  const record = up64(free);
  writeRecord(memory, record, 'f32_copy', (field) => args[field]);
  exports.f32_copy(record);
}

/** Calls back for each element, in row-major order: where it is stored, and its number. */
function eachElement({ shape, strides }: Endpoint, visit: (stored: number, i: number) => void): void {
  const index = shape.map(() => 0);
  const count = elementCount(shape);
  for (let i = 0, stored = 0; i < count; i++) {
    visit(stored, i);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      stored += strides[axis];
      if (++index[axis] < shape[axis]) break;
      stored -= shape[axis] * strides[axis];
      index[axis] = 0;
    }
  }
}
