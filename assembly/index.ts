export { run } from './program';
export {
  expand_blocks,
  expand_f16,
  expand_bytes,
  expand_nibbles,
  expand_panels,
  expand_quantised,
  expand_sixes,
  expand_spmm,
  expand_taps,
} from './expand';
export { expand_winograd } from './winograd/weights';
export { expand_sections } from './expand/sections';
export { i8_dot } from './dots/form';
export * from './generated/dispatch';
