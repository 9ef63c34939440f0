// Numbers in bytes, and how they lie in memory: the contract between the compiler and the kernels of integer programs.
//
// Layout. Four channels lie side by side in a word of 32 bits ("quads"). A value of (N, C, H, W) has ⌈C / 4⌉ planes of
// H · W words, and lies just as a value of ⌈C / 4⌉ channels of floats does: plane strides of `paddedPlane`, any garbage
// in the padding of a plane. So the kernels that copy, pad, transpose, concatenate or repeat whole floats (f32_copy,
// f32_pad, f32_resize_nearest, f32_upsample_2x2) work on words. Bytes beyond the last channel are any: weights that
// meet them are 0. RGBA pixels of an image are a plane of words as they come.
//
// Numbers. A byte q is unsigned, 0…255, and stands for scale · (q − zero), with a float scale and a whole zero for the whole
// value. An int8 tensor of a file is held plus 128, and so is its zero point. A value is *seven-bit* if none of its bytes
// exceeds 127, else *eight-bit*. Calibration gives seven bits, files of others need eight; kernels take both.
//
// Weights w are int8, −127…127 (−128 is refused: pairs of products would leave 16 bits), with a float scale for each output
// channel. Sums are whole numbers of 32 bits, exact:
//
//   sum = bias + Σ w · q                                  bias = round(float bias / (xScale · wScale)) − xZero · Σ w
//   y   = clamp(round(f32(sum) ·₃₂ scale) + zero, low, high)             scale = f32(xScale · wScale / yScale)
//
// f32(sum) is the nearest float, ties to even; ·₃₂ is a product rounded to a float; round is to the nearest integer, ties to
// even: XNNPACK's fp32 scheme (qc8w). Products reach no 2²²: `sumsFit` of src/lower/blocks.ts. Padding holds xZero. A fused clamp is `low` and `high`; any other function is a
// table of 256 bytes that y indexes. Where floats follow, y = min(max(f32(sum) ·₃₂ scale, low), high) as a float, scale =
// f32(xScale · wScale).
//
// The same bits everywhere. All forms of the sum below give the same whole number, so results depend neither on the build nor
// on the host. `dotForm` of assembly/dots finds out, without a clock, what the host does with four products of 127 · 255:
//
//   | host                               | relaxed_dot of w and q           | q ≤ 127 | q ≤ 255 |
//   | x64 with AVX-VNNI                  | q unsigned, exact                | dot     | dot     |
//   | x64 without                        | q unsigned, pairs saturate       | split   | wide    |
//   | Arm                                | q signed, exact                  | dot     | wide    |
//   | no relaxed SIMD (the `simd` build) | none                             | wide    | wide    |
//
//   dot     i32x4.relaxed_dot_i8x16_i7x16_add_s(w, q, sum)
//   split   i32x4.dot_i16x8_s(i16x8.relaxed_dot_i8x16_i7x16_s(w, q), 1) + sum: 2 · 127 · 127 fits 16 bits
//   wide    bytes widened to 16 bits, then i32x4.dot_i16x8_s

/** The largest byte of a seven-bit value, for which every host has a quick form. */
export const sevenBits = 127;

/** The largest byte of an eight-bit value. */
export const eightBits = 255;

/** Planes of words for this many channels. */
export const quadsOf = (channels: number) => Math.ceil(channels / 4);

/** Sums of up to this many products fit 32 bits, beside a bias of 2³⁰. */
export const maximumProducts = Math.floor(2 ** 30 / (127 * eightBits));
