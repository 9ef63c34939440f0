// Reads the groups of weights for `prune --groups`.
import { FiligreeError } from '../errors.ts';
import type { Graph } from '../graph/graph.ts';
import { readGroups, type Grouping } from '../prune.ts';
import { writeSafetensors } from '../formats/safetensors.ts';
import { readInput } from '../files/read.ts';
import { readNpy } from '../formats/npy.ts';

/**
 * @param files safetensors files, or LAYER=ids.npy
 * @param graph a prepared graph
 */
export async function readGroupFiles(files: readonly string[], graph: Graph): Promise<Grouping> {
  const groupings: Grouping[] = [];
  for (const text of files) {
    const at = text.lastIndexOf('=');
    const file = text.slice(at + 1);
    let bytes = await readInput(file);
    if (/\.npy$/i.test(file)) {
      if (at < 1) {
        throw new FiligreeError('invalid-argument', `--groups ${text}: name the layer: LAYER=${text}`);
      }
      bytes = writeSafetensors({ tensors: new Map([[text.slice(0, at), readNpy(bytes, file)]]), metadata: {} });
    }
    groupings.push(readGroups(bytes, file, graph));
  }
  return (layer) => groupings.map((grouping) => grouping(layer)).find((groups) => groups !== undefined);
}
