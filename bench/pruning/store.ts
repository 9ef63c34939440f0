// What has been done lies in a folder: lines of JSON, appended one by one, and artifacts. A run that was ended goes on.
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
  /** Zeros over the layers that were pruned, and over all weights. */
  zeros: number;
  allZeros: number;
  /** Of the artifact. */
  bytes: number;
  predictedMs: { before: number; after: number };
  outputError?: number;
  seconds: { search: number; prune: number; evaluate: number };
  notes: string[];
}

/** Why a cell has no result: what prune() says. */
export interface CellFailure extends Cell {
  id: string;
  failure: string;
}

/** Medians of interleaved runs; `denseMs` of the dense network in the same turns. */
export interface SpeedResult {
  id: string;
  network: NetworkName;
  ms: number;
  denseMs: number;
  node: string;
  build: string;
  rounds: number;
}

/** A dense network whose weights are saved small. */
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

  /** All lines of a kind; a last line that was cut off is none. */
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
