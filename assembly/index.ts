export { run } from './program';
export { expand_f16, expand_spmm, expand_taps } from './expand';
export * from './generated/dispatch';
