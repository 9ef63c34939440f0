import { describe, expect, it } from 'vitest';
import { readNpy, writeNpy } from '../../src/formats/npy.ts';
import { Tensor, type DType } from '../../src/tensor.ts';

/** A file as numpy.save writes it. */
function npy(header: string, data: Uint8Array, version = 1): Uint8Array {
  const start = version === 1 ? 10 : 12;
  const padded = `${header.padEnd(Math.ceil((start + header.length + 1) / 64) * 64 - start - 1)}\n`;
  const bytes = new Uint8Array(start + padded.length + data.length);
  const view = new DataView(bytes.buffer);
  bytes.set([0x93, ...Buffer.from('NUMPY'), version, 0]);
  if (version === 1) view.setUint16(8, padded.length, true);
  else view.setUint32(8, padded.length, true);
  bytes.set(Buffer.from(padded, 'latin1'), start);
  bytes.set(data, start + padded.length);
  return bytes;
}

const dict = (descr: string, shape: string, order = 'False') =>
  `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': (${shape}), }`;
const floats = new Uint8Array(Float32Array.of(1.5, -2, Infinity, 0.1, 5, 6).buffer);

describe('readNpy', () => {
  it('reads versions 1 and 2', () => {
    for (const version of [1, 2]) {
      const tensor = readNpy(npy(dict('<f4', '2, 3'), floats, version), 'x.npy');
      expect([tensor.dtype, tensor.shape]).toEqual(['float32', [2, 3]]);
      expect([...tensor.data]).toEqual([1.5, -2, Infinity, Math.fround(0.1), 5, 6]);
    }
  });

  it('reads scalars, vectors and empty arrays', () => {
    expect(readNpy(npy(dict('|u1', ''), Uint8Array.of(7)), 'x').shape).toEqual([]);
    expect(readNpy(npy(dict('|u1', '3,'), Uint8Array.of(7, 8, 9)), 'x').shape).toEqual([3]);
    expect(readNpy(npy(dict('<f4', '0, 3'), new Uint8Array()), 'x').shape).toEqual([0, 3]);
    expect(readNpy(npy(dict('<f4', '6,', 'True'), floats), 'x').shape).toEqual([6]); // order of one axis
  });

  it('reads doubles as float32 and the other byte order', () => {
    const doubles = readNpy(npy(dict('<f8', '2,'), new Uint8Array(Float64Array.of(0.1, -3).buffer)), 'x');
    expect(doubles.dtype).toBe('float32');
    expect([...doubles.data]).toEqual([Math.fround(0.1), -3]);
    expect([...readNpy(npy(dict('>i2', '2,'), Uint8Array.of(1, 2, 0xff, 0xfe)), 'x').data]).toEqual([258, -2]);
  });

  it.each([
    [new Uint8Array(Buffer.from('hello, this is text')), 'x.npy: not a .npy file'],
    [new Uint8Array(), 'x.npy: not a .npy file'],
    [npy(dict('<f4', '2, 3'), floats).subarray(0, 40), 'the header ends at byte 128, the file at 40'],
    [npy(dict('<f4', '2, 3'), floats.subarray(1)), 'shape [2, 3] of float32 needs 24 bytes; the file has 23'],
    [npy(dict('<f4', '2, 2'), floats), 'needs 16 bytes; the file has 24'],
    [npy(dict('<f4', '2, 3', 'True'), floats), 'Fortran order'],
    [npy(dict('<c8', '3,'), floats), 'dtype "c8" is not one of f8, f4'],
    [npy(`{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (6,), }`, floats), 'unreadable header: '],
    [npy(dict('<f4', '-2, 3'), floats), 'unreadable header: '],
  ])('refuses %#', (bytes, message) => {
    expect(() => readNpy(bytes, 'x.npy')).toThrow(message);
    expect(() => readNpy(bytes, 'x.npy')).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
  });
});

describe('writeNpy', () => {
  it('is read back, for every dtype and rank', () => {
    const dtypes: DType[] = ['float32', 'float16', 'int8', 'uint8', 'int16', 'uint16', 'int32', 'int64', 'bool'];
    for (const dtype of dtypes) {
      for (const shape of [[], [3], [2, 3], [1, 2, 3, 2]]) {
        const count = shape.reduce((n, d) => n * d, 1);
        const tensor = new Tensor(
          dtype,
          shape,
          Array.from({ length: count }, (_, i) => (dtype === 'bool' ? i % 2 : i + 1)),
        );
        const back = readNpy(writeNpy(tensor), 'x');
        expect(back).toEqual(tensor);
      }
    }
  });

  it('starts the data at a multiple of 64, as numpy does', () => {
    const bytes = writeNpy(new Tensor('float32', [2, 3], new Float32Array(6).fill(1)));
    expect(Buffer.from(bytes.subarray(0, 128)).toString('latin1')).toBe(
      `\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }${' '.repeat(58)}\n`,
    );
    expect(bytes.length).toBe(128 + 24);
  });

  it('writes a view alone', () => {
    const tensor = new Tensor('float32', [2], Float32Array.of(1, 2, 3, 4).subarray(1, 3));
    expect([...readNpy(writeNpy(tensor), 'x').data]).toEqual([2, 3]);
  });
});
