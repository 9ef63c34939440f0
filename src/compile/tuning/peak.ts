// Measures the machine's peak of multiply-adds in WebAssembly: only twelve independent chains a ← a·x + y.

/** An unsigned number in WebAssembly's LEB128: seven bits per byte. */
function leb(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...leb(value >>> 7)];
}

const section = (id: number, bytes: number[]) => [id, ...leb(bytes.length), ...bytes];
const chains = 12;

/**
 * (func (export "f") (param $n i32) (result f32)            each chain a local v128 of zeros, as x and y are
 *   (loop
 *     (local.set $a (f32x4.add (f32x4.mul (local.get $a) (local.get $x)) (local.get $y)))  for each of twelve $a
 *     (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
 *   (f32x4.extract_lane 0 (sum of all $a)))                        or the engine would drop unused results
 */
function peakModule(): Uint8Array {
  const [n, x, y, first] = [0, 1, 2, 3];
  const chain = (a: number) => [0x20, a, 0x20, x, 0xfd, 0xe6, 0x01, 0x20, y, 0xfd, 0xe4, 0x01, 0x21, a];
  const locals = [1, 2 + chains, 0x7b]; // v128
  const rounds = Array.from({ length: chains }, (_, i) => chain(first + i)).flat();
  const again = [0x20, n, 0x41, 1, 0x6b, 0x22, n, 0x0d, 0, 0x0b];
  const added = Array.from({ length: chains - 1 }, (_, i) => [0x20, first + 1 + i, 0xfd, 0xe4, 0x01]).flat();
  const body = [locals, [0x03, 0x40], rounds, again, [0x20, first], added, [0xfd, 0x1f, 0, 0x0b]].flat();
  const parts = [
    [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    section(1, [1, 0x60, 1, 0x7f, 1, 0x7d]),
    section(3, [1, 0]),
    section(7, [1, 1, 0x66, 0, 0]),
    section(10, [1, ...leb(body.length), ...body]),
  ];
  return Uint8Array.from(parts.flat());
}

/** GFLOP/s of one thread. Takes a third of a second. */
export async function measurePeak(): Promise<number> {
  const { instance } = await WebAssembly.instantiate(peakModule() as BufferSource);
  const run = instance.exports.f as (n: number) => number;
  const n = 20_000;
  let best = Infinity;
  const end = performance.now() + 333;
  while (performance.now() < end) {
    const start = performance.now();
    run(n);
    best = Math.min(best, performance.now() - start);
  }
  return (8 * chains * n) / best / 1e6;
}
