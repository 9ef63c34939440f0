import type { Detection } from '../src/index.ts';

/** Which share of the union of two boxes is in both. */
export function overlap({ box: a }: Detection, { box: b }: Detection): number {
  const side = (from: 'xmin' | 'ymin', to: 'xmax' | 'ymax') => Math.min(a[to], b[to]) - Math.max(a[from], b[from]);
  const both = Math.max(0, side('xmin', 'xmax')) * Math.max(0, side('ymin', 'ymax'));
  const area = ({ xmin, ymin, xmax, ymax }: Detection['box']) => (xmax - xmin) * (ymax - ymin);
  return both / (area(a) + area(b) - both);
}
