// The common end of image classifiers.
import type { NetworkBuilder } from './builder.ts';

/** (1, C, H, W) → (1, C). */
export function pooled(b: NetworkBuilder, x: string): string {
  return b.reshape('pool/flat', b.globalAverage('pool', x), [1, b.shape(x)[1]]);
}
