/** Applies the unary function with this code (src/program/activations.ts) to four lanes. */
export function activate(v: v128, fn: u32, alpha: f32, beta: f32): v128 {
  return v;
}
