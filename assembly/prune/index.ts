// Linear algebra of pruning (src/prune/linear-algebra.ts loads it): a wasm of its own, which running a model never loads.
export { gram } from './gram';
export { dots } from './dots';
export { cholesky, inverse, lower_part, solve } from './cholesky';
export { matmul, pack_panels } from './matmul';
