// NumPy's .npy files: the format of numpy/lib/format.py, versions 1 to 3.
//
//   \x93NUMPY  major minor  header length (u16, from version 2 on u32)  header: a Python dict, in ASCII  data
import { FiligreeError } from '../errors.ts';
import { elementBytes, elementCount, Tensor, type DType, type TensorData } from '../tensor.ts';

const magic = '\x93NUMPY';

/** dtype codes without their byte order. */
const dtypes: Record<string, DType | 'float64'> = {
  f8: 'float64', // numpy's type of Python floats; read as float32
  f4: 'float32',
  f2: 'float16',
  i1: 'int8',
  u1: 'uint8',
  i2: 'int16',
  u2: 'uint16',
  i4: 'int32',
  i8: 'int64',
  b1: 'bool',
};

/**
 * @param name the file's name in errors
 * @throws FiligreeError `invalid-argument` when it is not a .npy file, is cut off, or has an unsupported order or dtype
 */
export function readNpy(bytes: Uint8Array, name: string): Tensor {
  const fail = (what: string) => new FiligreeError('invalid-argument', `${name}: ${what}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (latin1(bytes.subarray(0, 6)) !== magic || bytes.length < 12) throw fail('not a .npy file');
  const wide = bytes[6] >= 2;
  const start = wide ? 12 : 10;
  const dataStart = start + (wide ? view.getUint32(8, true) : view.getUint16(8, true));
  if (dataStart > bytes.length) throw fail(`the header ends at byte ${dataStart}, the file at ${bytes.length}`);
  const header = latin1(bytes.subarray(start, dataStart));

  const [, order, code] = /'descr':\s*'([<>|=])(\w+)'/.exec(header) ?? [];
  const shapeText = /'shape':\s*\(([\d,\s]*)\)/.exec(header)?.[1];
  const fortran = /'fortran_order':\s*(True|False)/.exec(header)?.[1];
  if (!code || shapeText === undefined || !fortran) throw fail(`unreadable header: ${header.trim().slice(0, 120)}`);
  const dtype = Object.hasOwn(dtypes, code) ? dtypes[code] : undefined;
  if (!dtype) throw fail(`dtype "${code}" is not one of ${Object.keys(dtypes).join(', ')}`);
  const shape = shapeText
    .split(',')
    .filter((part) => part.trim() !== '')
    .map(Number);
  if (fortran === 'True' && shape.length > 1) {
    throw fail('it is in Fortran order; save it as numpy.ascontiguousarray(array)');
  }

  const count = elementCount(shape);
  const width = dtype === 'float64' ? 8 : elementBytes[dtype];
  if (bytes.length - dataStart !== count * width) {
    const found = bytes.length - dataStart;
    throw fail(`shape [${shape.join(', ')}] of ${dtype} needs ${count * width} bytes; the file has ${found}`);
  }
  const data = Uint8Array.from(bytes.subarray(dataStart)); // aligned copy
  if (order === '>') for (let at = 0; at < data.length; at += width) data.subarray(at, at + width).reverse();
  if (dtype === 'float64') return new Tensor('float32', shape, Float32Array.from(new Float64Array(data.buffer)));
  return new Tensor(dtype, shape, typed(dtype, data.buffer));
}

export function writeNpy({ dtype, shape, data }: Tensor): Uint8Array {
  const code = Object.keys(dtypes).find((key) => dtypes[key] === dtype)!;
  const order = elementBytes[dtype] === 1 ? '|' : '<';
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const dict = `{'descr': '${order}${code}', 'fortran_order': False, 'shape': (${tuple}), }`;
  const length = Math.ceil((10 + dict.length + 1) / 64) * 64 - 10; // the data starts at a multiple of 64
  const header = `${dict.padEnd(length - 1)}\n`;
  const bytes = new Uint8Array(10 + length + data.byteLength);
  bytes.set(Buffer.from(magic, 'latin1'));
  bytes.set([1, 0, length & 255, length >> 8], 6);
  bytes.set(Buffer.from(header, 'latin1'), 10);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 10 + length);
  return bytes;
}

function typed(dtype: DType, buffer: ArrayBuffer): TensorData {
  const { data } = new Tensor(dtype, [0]);
  return new (data.constructor as new (buffer: ArrayBuffer) => TensorData)(buffer);
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
