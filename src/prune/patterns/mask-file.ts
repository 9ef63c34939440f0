// Mask files: a safetensors file with a U8 tensor for each layer. It has the layer's name and the shape of its weights,
// (O, I / groups, kh, kw) or, for a linear layer, (O, I): 1 for a kept weight, 0 for a removed one. Multiply weights by it.
// `__metadata__` has the format (`filigree-mask`), pattern, criterion and seed.
import { FiligreeError } from '../../errors.ts';
import type { Graph } from '../../graph/graph.ts';
import { Tensor } from '../../tensor.ts';
import { layersOf } from '../layers.ts';
import type { Layer } from '../layers.ts';
import type { Mask } from './pattern.ts';
import type { Grouping } from './patterns.ts';
import { readSafetensors, writeSafetensors } from '../../formats/safetensors.ts';

const format = 'filigree-mask';

/** How a mask was made, for users. */
export interface MaskFacts {
  pattern: string;
  criterion: string;
  seed: number;
}

/** @param graph the pruned network, or another version of it */
export function writeMasks(graph: Graph, masks: ReadonlyMap<string, Mask>, facts: MaskFacts): Uint8Array {
  const tensors = new Map<string, Tensor>();
  for (const layer of layersOf(graph)) {
    const mask = masks.get(layer.name);
    if (mask) tensors.set(layer.name, new Tensor('uint8', weightShape(layer), mask));
  }
  const { pattern, criterion, seed } = facts;
  return writeSafetensors({ tensors, metadata: { format, pattern, criterion, seed: String(seed) } });
}

/**
 * Reads the masks in a file for the layers of a network, whose names and shapes they must match.
 * @param graph a prepared graph
 * @throws FiligreeError `invalid-argument` naming the file and every mask that fits no layer, or that holds numbers other
 * than 0 and 1
 */
export function readMasks(bytes: Uint8Array, file: string, graph: Graph): Map<string, Mask> {
  const { tensors } = readSafetensors(bytes, file);
  if (tensors.size === 0) throw new FiligreeError('invalid-argument', `${file}: has no masks`);
  const masks = new Map<string, Mask>();
  for (const [name, { data }] of matched(tensors, file, graph, 'mask')) {
    const at = data.findIndex((n: number | bigint) => n !== 0 && n !== 1);
    if (!(data instanceof Uint8Array) || at >= 0) {
      const found = data instanceof Uint8Array ? `${data[at]} at ${at}` : 'another type';
      throw new FiligreeError(
        'invalid-argument',
        `${file}: mask "${name}" must be U8 or BOOL of 0 and 1, has ${found}`,
      );
    }
    masks.set(name, data);
  }
  return masks;
}

/**
 * Reads a grouping from a file with a tensor of integers per layer: the block of each weight. It need not have all layers.
 * @param graph a prepared graph
 * @throws FiligreeError `invalid-argument` naming the file and each tensor that fits no layer
 */
export function readGroups(bytes: Uint8Array, file: string, graph: Graph): Grouping {
  const { tensors } = readSafetensors(bytes, file);
  const groups = new Map<string, ArrayLike<number>>();
  for (const [name, { dtype, data }] of matched(tensors, file, graph, 'groups')) {
    if (dtype === 'float32' || dtype === 'float16') {
      throw new FiligreeError('invalid-argument', `${file}: groups "${name}" must be integers, are ${dtype}`);
    }
    groups.set(name, data instanceof BigInt64Array ? Float64Array.from(data, Number) : data);
  }
  return ({ name }) => groups.get(name);
}

/** The tensors of a file, each with a layer's name and the shape of its weights, or flat. */
function matched(
  tensors: ReadonlyMap<string, Tensor>,
  file: string,
  graph: Graph,
  what: 'mask' | 'groups',
): ReadonlyMap<string, Tensor> {
  const layers = new Map(layersOf(graph).map((layer) => [layer.name, layer]));
  const wrong: string[] = [];
  for (const [name, { shape }] of tensors) {
    const layer = layers.get(name);
    if (!layer) wrong.push(`"${name}" is not a layer`);
    else if (!fits(layer, shape))
      wrong.push(`"${name}" is ${shape.join('×')}, the layer ${weightShape(layer).join('×')}`);
  }
  if (wrong.length === 0) return tensors;
  const shown = wrong.slice(0, 5).join('; ') + (wrong.length > 5 ? ` … (${wrong.length})` : '');
  const known = [...layers.keys()].slice(0, 3).map((name) => `"${name}"`);
  throw new FiligreeError(
    'invalid-argument',
    `${file}: ${what} and ${graph.name} do not fit: ${shown}. Its layers are ${known.join(', ')} …`,
  );
}

function fits(layer: Layer, shape: readonly number[]): boolean {
  const text = shape.join('×');
  return [layer.shape, weightShape(layer), [layer.rows * layer.columns]].some((wanted) => wanted.join('×') === text);
}

function weightShape({ kind, shape }: Layer): readonly number[] {
  return kind === 'linear' ? shape.slice(0, 2) : shape;
}
