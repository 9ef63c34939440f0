// Half floats (IEEE 754 binary16), as 16 bits each.
/** The number that a half's bits represent. */
export function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** Floats as bits of half floats when all of them are exactly representable; else the floats themselves. */
export function narrow(values: Float32Array): Float32Array | Uint16Array {
  const halves = new Uint16Array(values.length);
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < values.length; i++) {
    const b = bits[i];
    const exponent = ((b >>> 23) & 255) - 112;
    const magnitude = b & 0x7fffffff;
    const sign = (b >>> 16) & 0x8000;
    if (magnitude === 0) halves[i] = sign;
    else if (exponent >= 1 && exponent <= 30 && (b & 0x1fff) === 0) {
      halves[i] = sign | (exponent << 10) | ((b >>> 13) & 0x3ff);
    } else if (exponent <= 0 && exponent > -10) {
      const mantissa = (b & 0x7fffff) | 0x800000;
      const shift = 14 - exponent;
      if (mantissa & ((1 << shift) - 1)) return values;
      halves[i] = sign | (mantissa >>> shift);
    } else return values;
  }
  return halves;
}

const float = new Float32Array(1);
const floatBits = new Uint32Array(float.buffer);

/** The nearest half, ties to even; infinite from 65520 on. */
export function nearestHalf(value: number): number {
  if (!Number.isFinite(value)) return value;
  float[0] = value;
  const magnitude = Math.abs(float[0]);
  if (magnitude < 2 ** -14) {
    // subnormal halves are multiples of 2⁻²⁴; adding 1.5 · 2⁻¹ makes f32 round to them
    const shifted = Math.fround(magnitude + 0.75);
    return Math.sign(value) * Math.fround(shifted - 0.75);
  }
  floatBits[0] += 0xfff + ((floatBits[0] >>> 13) & 1);
  floatBits[0] &= ~0x1fff;
  return Math.abs(float[0]) > 65504 ? Math.sign(value) * Infinity : float[0];
}
