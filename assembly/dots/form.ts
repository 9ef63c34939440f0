// The form of a sum of products that this host computes exactly and soonest; src/program/quads.ts has the table.

/** Forms, by the numbers that weights begin with. */
export const enum Form {
  dot,
  split,
  wide,
}

// in memory, so that no compiler computes the product itself
const factors = memory.data<u64>([0x7f7f7f7f7f7f7f7f, 0x7f7f7f7f7f7f7f7f, -1, -1], 16);

/** The form for inputs of 7 bits (0…127) or 8 (0…255). */
export function dotForm(bits: u32): Form {
  if (!ASC_FEATURE_RELAXED_SIMD) return Form.wide;
  const sum = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(factors), v128.load(factors, 16), i32x4.splat(0));
  const four = i32x4.extract_lane(sum, 0);
  if (four == 4 * 127 * 255) return Form.dot;
  if (bits == 8) return Form.wide;
  // −508: the second factor is signed. 65534: a pair has saturated
  return four == 4 * 127 * -1 ? Form.dot : Form.split;
}

/**
 * c + 4·a·b, a −128…127, b 0…127, by the instruction that relaxed builds use. Liftoff in V8 before 12 (Node 21, Node 20
 * with a flag) compiles it wrongly: it overwrites c when c is not a local.
 */
export function i8_dot(a: i32, b: i32, c: i32): i32 {
  if (!ASC_FEATURE_RELAXED_SIMD) return c + 4 * a * b;
  const sum = i32x4.relaxed_dot_i8x16_i7x16_add_s(i8x16.splat(a as i8), i8x16.splat(b as i8), i32x4.splat(c));
  return i32x4.extract_lane(sum, 0);
}
