export { run } from './program';
export { expand_f16, expand_i8, expand_quantised, expand_spmm, expand_taps } from './expand';
export { i8_dot } from './int8';
export * from './generated/dispatch';
