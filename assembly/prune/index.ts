// Linear algebra for pruning, in a separate wasm that src/prune/linear-algebra.ts loads. Running a model never loads
// it.
export { gram } from './gram';
export { dots } from './dots';
export { cholesky, inverse, lower_part, solve } from './cholesky';
export { matmul, pack_panels } from './matmul';
