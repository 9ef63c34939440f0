/** Σ |x + y| over all of x and equally many numbers of y from `first` on. */
export function sumOfMagnitudes(x: Float32Array, y: Float32Array, first: number): number {
  const { length } = x;
  const even = length & ~3;
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  for (let i = 0; i < even; i += 4) {
    s0 += Math.abs(x[i] + y[first + i]);
    s1 += Math.abs(x[i + 1] + y[first + i + 1]);
    s2 += Math.abs(x[i + 2] + y[first + i + 2]);
    s3 += Math.abs(x[i + 3] + y[first + i + 3]);
  }
  for (let i = even; i < length; i++) s0 += Math.abs(x[i] + y[first + i]);
  return s0 + s1 + s2 + s3;
}
