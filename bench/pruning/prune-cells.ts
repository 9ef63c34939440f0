// Prunes and measures cells. Cells of one pattern and criterion go together, because their searches share candidates.
import { writeArtifact } from '../../src/artifact/write.ts';
import { fileCheckpoint } from '../../src/cli/checkpoint-file.ts';
import type { ProgressLine } from '../../src/cli/io.ts';
import { compileGraph } from '../../src/compile.ts';
import { FiligreeError } from '../../src/errors.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { criterionNamed } from '../../src/prune/criteria/criteria.ts';
import { withHeldOut } from '../../src/prune/distribution/distribute.ts';
import { patternNamed, prune, prepared } from '../../src/prune.ts';
import type { Layer } from '../../src/prune.ts';
import { layersOf } from '../../src/prune/layers.ts';
import { chosenLayers } from '../../src/prune/options.ts';
import { cloneGraph } from '../../src/graph/clone.ts';
import type { PrunedLayer } from '../../src/prune/prune-layer.ts';
import { search } from '../../src/prune/distribution/search/index.ts';
import type { Cell } from './cells.ts';
import { idOf, patternOf } from './cells.ts';
import type { Opened } from './networks.ts';
import { accuracyOf } from './networks.ts';
import type { Store } from './store.ts';

export interface CellOptions {
  threads: number;
  /** Seconds of running networks in a search. */
  searchSeconds: number;
  seed: number;
}

/** Candidates of the dense network, shared by searches with any budget. */
class SharedCandidates {
  #of = '';
  readonly #known = new Map<string, PrunedLayer>();

  /** Drops the candidates of another pattern or criterion. */
  for(what: string): this {
    if (what !== this.#of) this.#known.clear();
    this.#of = what;
    return this;
  }

  async of(
    layer: Layer,
    sparsities: readonly number[],
    make: (sparsities: readonly number[]) => Promise<readonly PrunedLayer[]>,
  ): Promise<PrunedLayer[]> {
    const key = (sparsity: number) => `${sparsity} ${layer.name}`;
    const missing = sparsities.filter((sparsity) => !this.#known.has(key(sparsity)));
    const made = missing.length > 0 ? await make(missing) : [];
    missing.forEach((sparsity, i) => this.#known.set(key(sparsity), made[i]));
    return sparsities.map((sparsity) => this.#known.get(key(sparsity))!);
  }
}

export class CellRunner {
  readonly #opened: Opened;
  readonly #store: Store;
  readonly #progress: ProgressLine;
  readonly #options: CellOptions;
  readonly #candidates = new SharedCandidates();

  constructor(opened: Opened, store: Store, progress: ProgressLine, options: CellOptions) {
    this.#opened = opened;
    this.#store = store;
    this.#progress = progress;
    this.#options = options;
  }

  /** Prunes, compiles and evaluates; appends the result, or the reason for its absence. */
  async run(cell: Cell): Promise<string> {
    const id = idOf(cell);
    const { dense, photos, calibration, images } = this.#opened;
    const { threads, seed } = this.#options;
    const start = performance.now();
    const checkpoint = fileCheckpoint(`${this.#store.artifact(id)}.checkpoint`);
    try {
      const { pattern, rearrange, own } = patternOf(cell);
      const { criterion, sparsity } = cell;
      // whole channels have their own search
      const isSearched = cell.distribution === 'search' && cell.pattern !== 'channel';
      const found = isSearched ? await this.#search(cell) : undefined;
      const searched = performance.now();
      const pruned = await prune(dense, {
        pattern,
        criterion,
        ...(rearrange && { rearrange }),
        ...(own || found ? {} : { sparsity }),
        distribution: found?.distribution ?? cell.distribution,
        ...calibration,
        seed,
        checkpoint,
        onProgress: ({ phase, step, done, total }) => this.#show(id, `${phase} ${step ?? ''}`, done, total),
      });
      const program = compileGraph(cloneGraph(pruned.graph), { name: this.#opened.name });
      const artifact = writeArtifact(program);
      const middle = performance.now();
      const accuracy = await accuracyOf(artifact, this.#opened, this.#progress, threads);
      const { report } = pruned;
      await this.#store.write(`${id}.filigree`, artifact);
      await this.#store.write(`${id}.json`, `${JSON.stringify(report, null, 1)}\n`);
      const { before, after } = report.weights;
      const weights = report.layers.reduce((sum, layer) => sum + layer.weights, 0);
      await this.#store.add('cells', {
        ...cell,
        id,
        accuracy,
        images: images.files.length,
        photos,
        zeros: report.sparsity,
        allZeros: 1 - after / Math.max(weights, before),
        bytes: artifact.length,
        predictedMs: report.predictedMs,
        outputError: report.outputError,
        seconds: {
          search: (searched - start) / 1000,
          prune: (middle - searched) / 1000,
          evaluate: (performance.now() - middle) / 1000,
        },
        notes: [...(found ? [`search: divergence ${found.divergence.toPrecision(3)}`] : []), ...report.notes],
      });
      return `${(100 * accuracy).toFixed(1)} at ${(100 * report.sparsity).toFixed(1)} % zeros`;
    } catch (error) {
      if (!(error instanceof FiligreeError)) throw error;
      await this.#store.add('cells', { ...cell, id, failure: error.message });
      return error.message;
    } finally {
      await checkpoint.remove();
      this.#progress.clear();
    }
  }

  async #search(cell: Cell) {
    const { criterion, sparsity } = cell;
    const { threads, seed, searchSeconds } = this.#options;
    const pattern = patternNamed(patternOf(cell).pattern);
    const dense: Graph = prepared(this.#opened.dense);
    const { chosen } = chosenLayers(layersOf(dense), {});
    const shared = this.#candidates.for(`${cell.pattern} ${criterion}`);
    const state = { dense, pruned: dense, pattern, criterion: criterionNamed(criterion), seed };
    return withHeldOut(state, { ...this.#opened.calibration, seed }, ({ samples, judges, make }) =>
      search(dense, chosen, {
        budget: { kind: 'sparsity', value: sparsity },
        comparison: this.#opened.calibration.comparison,
        samples,
        judges,
        seed,
        threads,
        seconds: searchSeconds,
        make: (layer, sparsities, pruned) => {
          const made = async (wanted: readonly number[]) => (await make(layer, wanted, pruned)) as PrunedLayer[];
          return pruned === dense ? shared.of(layer, sparsities, made) : made(sparsities);
        },
        onProgress: ({ phase, stage, done, total }) => this.#show(idOf(cell), `${phase} ${stage + 1}`, done, total),
      }),
    );
  }

  #show(id: string, what: string, done: number, total: number): void {
    this.#progress.show(`${id}: ${what} ${done}/${total}`);
  }
}
