import { describe, expect, it } from 'vitest';
import { FiligreeError } from '../src/errors.ts';
import { Tensor } from '../src/tensor.ts';

describe('Tensor', () => {
  it('takes arrays of its dtype, and numbers', () => {
    const bytes = Uint8Array.of(1, 2, 3, 4);
    expect(new Tensor('uint8', [2, 2], bytes).data).toBe(bytes);
    expect(new Tensor('int64', [2], [1, -2]).data).toEqual(BigInt64Array.of(1n, -2n));
    expect(new Tensor('float32', [], [1.5]).data).toEqual(Float32Array.of(1.5));
  });

  it('saturates numbers that an integer dtype does not reach', () => {
    expect(new Tensor('uint8', [3], [-5, 255, 300]).data).toEqual(Uint8Array.of(0, 255, 255));
    expect(new Tensor('int8', [2], [-129, 128]).data).toEqual(Int8Array.of(-128, 127));
    expect(new Tensor('int32', [2], [2 ** 31, -(2 ** 40)]).data).toEqual(Int32Array.of(2 ** 31 - 1, -(2 ** 31)));
  });

  it.each([
    [() => new Tensor('float32', 4 as never), /the shape must be an array of sizes; got 4/],
    [() => new Tensor('float32', undefined as never), /the shape must be an array of sizes; got undefined/],
    [() => new Tensor('float32', '12' as never), /the shape must be an array of sizes; got 12/],
    [() => new Tensor('float32', [2, -1]), /shape \[2,-1\] must hold non-negative integers/],
    [() => new Tensor('float31' as never, [2]), /unknown dtype "float31"/],
    [() => new Tensor('float32', [2], [1]), /shape \[2\] has 2 elements, the data has 1/],
    [() => new Tensor('float32', [2], new Float64Array(2) as never), /wants a Float32Array, got Float64Array/],
  ])('refuses data that does not fit: %s', (make, message) => {
    expect(make).toThrow(FiligreeError);
    expect(make).toThrow(message);
  });
});
