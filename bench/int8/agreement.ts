// How outputs of integer programs differ from a peer's, in bytes of the file, and who is nearer to the float network.
import { importModel } from '../../src/compile.ts';
import { valueOf } from '../../src/graph/graph.ts';
import { byteOf, realOf, type ByteGrid } from '../../src/quantisation.ts';
import type { PeerOutput } from '../../test/peers/index.ts';

interface Outputs {
  name: string;
  outputs: readonly PeerOutput[];
}

/**
 * A line for each peer, about the outputs that are bytes.
 * @param measured first our integers, then our floats, then peers; peers give bytes where we give the reals that these stand for
 */
export function agreement(file: Uint8Array, [integers, floats, ...others]: readonly Outputs[]): string[] {
  const graph = importModel(file, 'file');
  const grids = graph.outputs.map(({ value, dtype }) => ({ grid: valueOf(graph, value).fileBytes, dtype }));
  return others.flatMap(({ name, outputs }) => {
    if (outputs.length === 0) return [];
    let [equal, byOne, count, ownError, peerError] = [0, 0, 0, 0, 0];
    for (const [k, { grid, dtype }] of grids.entries()) {
      if (!grid) continue;
      const [mine, exact] = [integers, floats].map((one) => bytesOf(one.outputs[k], grid));
      const theirs = Array.from(outputs[k].data, (q) => (dtype === 'int8' ? q + 128 : q));
      if (theirs.length !== mine.length) continue;
      count += mine.length;
      for (const [i, own] of mine.entries()) {
        if (own === theirs[i]) equal++;
        else if (Math.abs(own - theirs[i]) === 1) byOne++;
        ownError += (realOf(own, grid) - realOf(exact[i], grid)) ** 2;
        peerError += (realOf(theirs[i], grid) - realOf(exact[i], grid)) ** 2;
      }
    }
    if (count === 0)
      return [`outputs in floats: ${distance(integers, name, outputs)}; ${distance(floats, name, outputs)}`];
    const share = (n: number) => `${((100 * n) / count).toFixed(2)} %`;
    const nearer = Math.sqrt(ownError / (peerError || 1)).toFixed(2);
    return [
      `outputs: ${share(equal)} of ${count} bytes equal ${name}'s, ${share(byOne)} differ by one; our distance from the float network over its: ${nearer}`,
    ];
  });
}

/** The largest difference of one of our outputs from a peer's. */
function distance(ours: Outputs, name: string, theirs: readonly PeerOutput[]): string {
  const differences = ours.outputs.map(({ data }, k) =>
    data.reduce((most, v, i) => Math.max(most, Math.abs(v - theirs[k].data[i])), 0),
  );
  return `${ours.name} differ from ${name}'s by at most ${differences.map((d) => d.toPrecision(2)).join(', ')}`;
}

const bytesOf = ({ data }: PeerOutput, grid: ByteGrid) => Array.from(data, (real) => byteOf(real, grid));
