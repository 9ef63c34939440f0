/** `count` numbers in [−1, 1) from a linear congruential generator; the same seed gives the same numbers. */
export function seededNumbers(count: number, seed: number): Float32Array {
  const numbers = new Float32Array(count);
  let state = seed >>> 0;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    numbers[i] = state / 2 ** 31 - 1;
  }
  return numbers;
}
