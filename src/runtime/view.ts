// Row-major values ↔ linear memory, where an endpoint's floats have its own strides. Where the two differ, the kernel
// f32_copy converts, through scratch memory behind the program.
import type { WasmMemory } from './host-types.ts';
import type { KernelNumbers } from '../program/kernels.ts';
import { endpointWords, rowMajorStrides } from '../program/layout.ts';
import type { Endpoint } from '../program/program.ts';
import { elementCount } from '../tensor.ts';
import { byteView } from './byte-view.ts';
import type { CopySession, EndpointView } from './endpoint-view.ts';
import { isRowMajor } from './endpoint.ts';

interface Strided {
  address: number;
  /** In elements, one per axis. */
  strides: readonly number[];
}

/** Axes that f32_copy takes. Endpoints with more are copied in JavaScript. */
const copyAxes = 6;

export function viewOf(session: CopySession, memory: WasmMemory, endpoint: Endpoint, address: number): EndpointView {
  if (endpoint.quads) return byteView(session, endpoint, address);
  const { shape, strides } = endpoint;
  const count = elementCount(shape);
  const inPlace = isRowMajor(endpoint) ? new Float32Array(memory.buffer, address, count) : undefined;
  const stage = () => {
    const { buffer, byteOffset } = session.scratch(4 * count, 'tensors');
    return new Float32Array(buffer, byteOffset, count);
  };
  const stored = () => new Float32Array(memory.buffer, address, endpointWords(endpoint));
  const here = { address, strides };
  const rowMajor = rowMajorStrides(shape);
  return {
    address,
    inPlace,
    read() {
      if (inPlace) return inPlace.slice();
      if (shape.length > copyAxes) {
        const storage = stored();
        const values = new Float32Array(count);
        eachElement(endpoint, (at, i) => (values[i] = storage[at]));
        return values;
      }
      const staged = stage();
      copy(session, shape, here, { address: staged.byteOffset, strides: rowMajor });
      return staged.slice();
    },
    write(values) {
      if (inPlace) inPlace.set(values);
      else if (shape.length > copyAxes) {
        const storage = stored();
        eachElement(endpoint, (at, i) => (storage[at] = values[i]));
      } else {
        const staged = stage();
        staged.set(values);
        copy(session, shape, { address: staged.byteOffset, strides: rowMajor }, here);
      }
    },
  };
}

function copy(session: CopySession, shape: readonly number[], x: Strided, y: Strided): void {
  const numbers: Record<string, number> = { x: x.address, y: y.address };
  const absent = copyAxes - shape.length;
  for (let i = 0; i < copyAxes; i++) {
    const axis = i - absent;
    numbers[`d${i}`] = axis < 0 ? 1 : shape[axis];
    numbers[`x${i}`] = axis < 0 ? 0 : 4 * x.strides[axis];
    numbers[`y${i}`] = axis < 0 ? 0 : 4 * y.strides[axis];
  }
  session.call('f32_copy', numbers as KernelNumbers<'f32_copy'>);
}

/** Calls back for each element, in row-major order, with its stored position and its index. */
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
