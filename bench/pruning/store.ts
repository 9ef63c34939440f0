// Stores progress in a folder, as artifacts and appended lines of JSON, so that an interrupted run can continue.
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { WeightType } from '../../src/compile.ts';
import type { Cell } from './cells.ts';
import type { NetworkName } from './networks.ts';

/** The dense network. */
export interface DenseResult {
  network: NetworkName;
  accuracy: number;
  images: number;
}

export interface CellResult extends Cell {
  id: string;
  /** Top-1 or AP, 0 … 1. */
  accuracy: number;
  images: number;
  photos: number;
  /** Share of zeros in the pruned layers, and in all weights. */
  zeros: number;
  allZeros: number;
  /** Size of the artifact. */
  bytes: number;
  predictedMs: { before: number; after: number };
  outputError?: number;
  seconds: { search: number; prune: number; evaluate: number };
  notes: string[];
}

/** The reason for a cell without a result, from prune(). */
export interface CellFailure extends Cell {
  id: string;
  failure: string;
}

/** Medians of interleaved runs; `denseMs` is that of the dense network in the same rounds. */
export interface SpeedResult {
  id: string;
  network: NetworkName;
  ms: number;
  denseMs: number;
  node: string;
  build: string;
  rounds: number;
}

/** A dense network with rounded weights. */
export interface WireResult {
  network: NetworkName;
  weights: WeightType;
  accuracy: number;
  images: number;
  bytes: number;
  brotli: number;
  loadMs: number;
}

interface Lines {
  dense: DenseResult;
  cells: CellResult | CellFailure;
  speed: SpeedResult;
  wire: WireResult;
}

export class Store {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(folder: string): Promise<Store> {
    await mkdir(folder, { recursive: true });
    return new Store(folder);
  }

  /** All lines of a kind, without a last line that was cut off. */
  async read<K extends keyof Lines>(kind: K): Promise<Lines[K][]> {
    const text = await readFile(this.#path(kind), 'utf8').catch(() => '');
    return text
      .split('\n')
      .filter((line) => line.endsWith('}'))
      .map((line) => JSON.parse(line) as Lines[K]);
  }

  async add<K extends keyof Lines>(kind: K, line: Lines[K]): Promise<void> {
    await appendFile(this.#path(kind), `${JSON.stringify(line)}\n`);
  }

  artifact(id: string): string {
    return join(this.folder, `${id}.filigree`);
  }

  async write(name: string, content: string | Uint8Array): Promise<void> {
    await writeFile(join(this.folder, name), content);
  }

  #path(kind: string): string {
    return join(this.folder, `${kind}.jsonl`);
  }
}

export const isDone = (line: CellResult | CellFailure): line is CellResult => !('failure' in line);
