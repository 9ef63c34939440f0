// The Erdős–Rényi kernel distribution: small layers keep more.
//
// Mocanu et al., "Scalable training of artificial neural networks with adaptive sparse connectivity" (2018); Evci et al.,
// "Rigging the Lottery" (2020), section 3.
import type { Layer } from '../layers.ts';
import type { Distribution } from './uniform.ts';

/**
 * density ∝ (O + I + kh + kw) / (O · I · kh · kw). Layers whose density would exceed 1 stay dense; the others compensate.
 * @param sparsity the share of zeros over the weights of these layers, 0 … 1
 */
export function erdosRenyiKernel(layers: readonly Layer[], sparsity: number): Distribution {
  const sized = layers.map((layer) => ({ layer, weights: layer.rows * layer.columns, raw: rawDensity(layer) }));
  const total = sized.reduce((sum, { weights }) => sum + weights, 0);
  const dense = new Set<Layer>();
  for (;;) {
    const open = sized.filter(({ layer }) => !dense.has(layer));
    const fixed = sized.reduce((sum, { layer, weights }) => sum + (dense.has(layer) ? weights : 0), 0);
    const kept = Math.max(0, (1 - sparsity) * total - fixed);
    const scale = kept / open.reduce((sum, { raw, weights }) => sum + raw * weights, 0);
    const beyond = open.filter(({ raw }) => scale * raw >= 1);
    if (beyond.length === 0 || open.length === 0) {
      const densityOf = ({ layer, raw }: (typeof sized)[number]) => (dense.has(layer) ? 1 : scale * raw);
      return new Map(sized.map((entry) => [entry.layer.name, 1 - densityOf(entry)]));
    }
    for (const { layer } of beyond) dense.add(layer);
  }
}

function rawDensity({ shape: [outputs, inputs, kh, kw] }: Layer): number {
  return (outputs + inputs + kh + kw) / (outputs * inputs * kh * kw);
}
