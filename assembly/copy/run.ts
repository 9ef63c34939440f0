/** Runs shorter than this many floats are copied inline: a bulk copy costs a call into the engine. */
const bulk: u32 = 128;

/** y (n) = x (n) */
// @ts-ignore: decorator
@inline
export function run(x: usize, y: usize, n: u32): void {
  if (n >= bulk) {
    memory.copy(y, x, 4 * n);
    return;
  }
  for (; n >= 4; n -= 4) {
    v128.store(y, v128.load(x));
    x += 16;
    y += 16;
  }
  for (; n != 0; n--) {
    store<u32>(y, load<u32>(x));
    x += 4;
    y += 4;
  }
}
