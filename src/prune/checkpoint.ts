// Saves the progress of a run, so that the next one does not repeat it. The file is safetensors:
//
//   N.weights (F32), N.bias (F32), N.mask (U8)   of the N-th finished layer
//   __metadata__   format, fingerprint of everything that the results depend on, distribution, search and layers as JSON
import type { Graph } from '../graph/graph.ts';
import { Tensor } from '../tensor.ts';
import type { TensorData } from '../tensor.ts';
import type { Layer } from './layers.ts';
import type { Checkpoint, ResolvedOptions } from './options.ts';
import { blocksOf } from './patterns/patterns.ts';
import type { PrunedLayer } from './prune-layer.ts';
import { readSafetensors, writeSafetensors } from '../formats/safetensors.ts';
import type { Distribution } from './distribution/uniform.ts';

/** Changes whenever results of a new version may differ. */
const format = 'filigree-checkpoint 3';

/** Maximum share of the time spent on saving. */
const maxSaving = 0.05;

/** The finished parts of a run. */
export interface Progressed {
  /** Entries of the journal of a search that has not ended. */
  search: ReadonlyMap<number, readonly number[]>;
  distribution?: Distribution;
  /** Notes from the search for it. */
  notes: string[];
  layers: Map<string, PrunedLayer>;
}

type LayerFacts = Pick<PrunedLayer, 'pattern' | 'remark' | 'error'> & { name: string };

function areFacts({ pattern, remark, error }: Omit<LayerFacts, 'name'>): boolean {
  const isText = typeof remark === 'string' || remark === undefined;
  const isPattern = typeof pattern === 'string' || pattern === undefined;
  return isPattern && isText && (typeof error === 'number' || error === undefined);
}

/** Keeps a run's progress in its checkpoint. */
export class Progress {
  readonly #checkpoint: Checkpoint | undefined;
  readonly #fingerprint: string;
  #saved = -Infinity;
  #cost = 0;
  #saving: Promise<void> | undefined;
  readonly done: Progressed = { search: new Map(), notes: [], layers: new Map() };
  /** Notes for users. */
  readonly notes: string[] = [];

  private constructor(checkpoint: Checkpoint | undefined, print: string) {
    this.#checkpoint = checkpoint;
    this.#fingerprint = print;
  }

  /**
   * @param print see `fingerprint`; called only if there is a checkpoint
   * @param layers the layers that a checkpoint may have results of
   */
  static async open(
    checkpoint: Checkpoint | undefined,
    print: () => Promise<string>,
    layers: readonly Layer[],
  ): Promise<Progress> {
    if (!checkpoint) return new Progress(undefined, '');
    const progress = new Progress(checkpoint, await print());
    const bytes = await checkpoint.load();
    if (bytes) progress.#read(bytes, checkpoint.name, new Map(layers.map((layer) => [layer.name, layer])));
    return progress;
  }

  #read(bytes: Uint8Array, name: string, known: ReadonlyMap<string, Layer>): void {
    try {
      const { tensors, metadata } = readSafetensors(bytes, name);
      if (metadata.format !== format || metadata.fingerprint !== this.#fingerprint) {
        this.notes.push(`${name} is from another run (other model, options or images): started again`);
        return;
      }
      const part = (key: string) => tensors.get(key)?.data;
      const layers = (JSON.parse(metadata.layers) as LayerFacts[]).map(({ name: layer, ...facts }, i) => {
        const [weights, bias, mask] = ['weights', 'bias', 'mask'].map((key) => part(`${i}.${key}`));
        const { rows = NaN, columns = NaN } = known.get(layer) ?? {};
        const fits = weights?.length === rows * columns && mask?.length === rows * columns;
        const areFloats = weights instanceof Float32Array && (!bias || bias instanceof Float32Array);
        if (
          !fits ||
          (bias && bias.length !== rows) ||
          !areFloats ||
          !(mask instanceof Uint8Array) ||
          !areFacts(facts)
        ) {
          throw new Error(`its layer ${i} is incomplete, or not one of this network`);
        }
        return [layer, { ...facts, weights, bias, mask } as PrunedLayer] as const;
      });
      const shares = JSON.parse(metadata.distribution) as [string, number][] | null;
      if (!shares?.every((share) => typeof share[0] === 'string' && typeof share[1] === 'number') && shares !== null) {
        throw new Error('its distribution is not valid');
      }
      const notes = JSON.parse(metadata.notes) as string[];
      if (!notes.every((note) => typeof note === 'string')) throw new Error('its notes are not texts');
      const search = JSON.parse(metadata.search, (_, value: unknown) =>
        typeof value === 'string' ? Number(value) : value,
      ) as [number, number[]][];
      const isEntry = ([call, found]: [number, number[]]) =>
        Number.isInteger(call) && found.every((value) => typeof value === 'number');
      if (!search.every(isEntry)) throw new Error('its search is not valid');
      this.done.search = new Map(search);
      if (search.length > 0)
        this.notes.push(`${search.length} steps of the search are from ${name}, from an unfinished run`);
      if (shares) this.done.distribution = new Map(shares);
      this.done.notes.push(...notes);
      for (const [layer, outcome] of layers) this.done.layers.set(layer, outcome);
      if (layers.length > 0) this.notes.push(`${layers.length} layers are from ${name}, from an unfinished run`);
    } catch (error) {
      this.notes.push(`${name} cannot be used (${(error as Error).message}): started again`);
    }
  }

  /** Saves the progress. Without `now`, skips saving that would take more than a small share of the time. */
  async save({ now = false } = {}): Promise<void> {
    const checkpoint = this.#checkpoint;
    if (!checkpoint || (!now && (this.#saving || performance.now() - this.#saved < this.#cost / maxSaving))) return;
    while (this.#saving) await this.#saving;
    this.#saving = this.#saveTo(checkpoint);
    try {
      await this.#saving;
    } finally {
      this.#saving = undefined;
    }
  }

  async #saveTo(checkpoint: Checkpoint): Promise<void> {
    const start = performance.now();
    const { search, distribution, notes, layers } = this.done;
    const tensors = new Map<string, Tensor>();
    const facts: LayerFacts[] = [];
    for (const [name, { weights, bias, mask, pattern, remark, error }] of layers) {
      const n = facts.push({ name, pattern, remark, error }) - 1;
      tensors.set(`${n}.weights`, new Tensor('float32', [weights.length], weights));
      if (bias) tensors.set(`${n}.bias`, new Tensor('float32', [bias.length], bias));
      tensors.set(`${n}.mask`, new Tensor('uint8', [mask.length], mask));
    }
    const shares = JSON.stringify(distribution ? [...distribution] : null);
    const metadata = {
      format,
      fingerprint: this.#fingerprint,
      distribution: shares,
      search: JSON.stringify([...search], (_, value: unknown) =>
        typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
      ),
      notes: JSON.stringify(notes),
      layers: JSON.stringify(facts),
    };
    await checkpoint.save(writeSafetensors({ tensors, metadata }));
    this.#saved = performance.now();
    this.#cost = this.#saved - start;
  }

  async end(): Promise<void> {
    await this.#checkpoint?.remove();
  }
}

/** A text that changes with anything that results depend on: the network, the options, the images. */
export async function fingerprint(graph: Graph, chosen: readonly Layer[], options: ResolvedOptions): Promise<string> {
  const parts: unknown[] = [format, graph.inputs, graph.outputs, graph.nodes];
  for (const { name, shape, dtype, data } of graph.values.values()) {
    parts.push([name, shape, dtype, data && (await digest(data))]);
  }
  const {
    pattern,
    criterion,
    distribution,
    target,
    seed,
    rearrange,
    costModel,
    weights,
    masks,
    samples,
    viewsPerImage,
    regions,
    comparison,
  } = options;
  const shares = typeof distribution === 'string' ? distribution : [...distribution];
  parts.push([
    pattern.name,
    criterion.name,
    shares,
    target,
    seed,
    viewsPerImage,
    regions,
    comparison !== undefined,
    rearrange ?? false,
    costModel,
    weights,
    chosen.map(({ name }) => name),
  ]);
  for (const layer of chosen) parts.push(await digest(blocksOf(pattern, layer).blocks.blockOf)); // it may be a user's own
  for (const [name, mask] of masks ?? []) parts.push([name, await digest(mask)]);
  for (const sample of samples) {
    for (const [name, { dtype, shape, data }] of Object.entries(sample)) {
      parts.push([name, dtype, shape, await digest(data)]);
    }
  }
  // JSON has no infinities
  const text = JSON.stringify(parts, (_, value: unknown) => (typeof value === 'number' ? String(value) : value));
  return digest(new TextEncoder().encode(text));
}

async function digest(data: TensorData): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', data as Uint8Array<ArrayBuffer>));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
