// Finds the weights of a layer that belong to the channels of a space.
import type { Graph } from '../../graph/graph.ts';
import { valueOf } from '../../graph/graph.ts';
import { groupsOf } from '../layer-nodes.ts';
import { nodeOf } from '../layers.ts';
import type { Mask } from '../patterns/pattern.ts';
import type { ChannelChoice } from './remove.ts';
import type { ChannelSpace, ChannelUse } from './spaces.ts';

export interface Dimensions {
  readonly rows: number;
  /** Input channels of one group. */
  readonly inputs: number;
  readonly taps: number;
  /** inputs · taps */
  readonly columns: number;
  readonly groups: number;
}

export function dimensionsOf(graph: Graph, layer: string): Dimensions {
  const node = nodeOf(graph, { name: layer });
  const [rows, inputs, kh = 1, kw = 1] = valueOf(graph, node.inputs[1]).shape;
  return { rows, inputs, taps: kh * kw, columns: inputs * kh * kw, groups: groupsOf(node) };
}

/** For each channel, its columns in one group of a layer that reads it. */
export function columnsOf({ positions }: ChannelUse, { inputs, taps }: Dimensions, group: number): Int32Array[] {
  return positions.map((list) => {
    const columns: number[] = [];
    for (const position of list) {
      if (Math.floor(position / inputs) !== group) continue;
      for (let tap = 0; tap < taps; tap++) columns.push((position % inputs) * taps + tap);
    }
    return Int32Array.from(columns);
  });
}

/** For each channel, all of a layer's weights that read it. */
export function weightsThatRead(use: ChannelUse, dimensions: Dimensions): Int32Array[] {
  const { rows, columns, groups } = dimensions;
  const perGroup = Array.from({ length: groups }, (_, group) => columnsOf(use, dimensions, group));
  return use.positions.map((_, channel) => {
    const found: number[] = [];
    for (let row = 0; row < rows; row++) {
      for (const column of perGroup[Math.floor((row * groups) / rows)][channel]) found.push(row * columns + column);
    }
    return Int32Array.from(found);
  });
}

/** Masks of the layers that read any of these channels: 0 for weights that read one. */
export function masksWithout(graph: Graph, spaces: readonly ChannelSpace[], removed: ChannelChoice): Map<string, Mask> {
  const masks = new Map<string, Mask>();
  for (const { name, consumers } of spaces) {
    const channels = [...(removed.get(name) ?? [])];
    if (channels.length === 0) continue;
    for (const use of consumers) {
      const dimensions = dimensionsOf(graph, use.layer);
      const mask = masks.get(use.layer) ?? new Uint8Array(dimensions.rows * dimensions.columns).fill(1);
      masks.set(use.layer, mask);
      const reading = weightsThatRead(use, dimensions);
      for (const channel of channels) for (const i of reading[channel]) mask[i] = 0;
    }
  }
  return masks;
}
