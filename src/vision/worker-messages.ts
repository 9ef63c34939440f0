// What a page and the worker of a detector say to each other.
import type { WasmBuild } from '../runtime/probe.ts';
import type { DetectionResult } from './detection.ts';
import type { DetectorSettings } from './detector-settings.ts';
import type { Pixels } from './preprocessing.ts';
import type { TileOptions } from './tiles.ts';
import type { WorkerModel } from './worker-model.ts';

/** What the worker has made. */
export interface Created {
  model: WorkerModel;
  labels: readonly string[];
  keypoints: readonly string[];
  scoreThreshold: number;
}

/** Settings that cross: those without functions. */
export interface CreateSettings extends DetectorSettings {
  build?: WasmBuild;
  threads?: number | 'auto';
  integrity?: string;
  limits?: { memory?: number; work?: number };
}

export interface DetectSettings {
  scoreThreshold?: number;
  classes?: readonly (string | number)[];
  tiles?: boolean | TileOptions;
}

/** Things to do, each answered by its number. The first one creates. */
export type Request =
  | { id: number; create: string | ArrayBuffer | Uint8Array | Blob; settings: CreateSettings }
  | { id: number; detect: SentImage; settings: DetectSettings }
  /** An answer to `wasm`: a file's place, bytes or a module. */
  | { id: number; wasm?: { url: string } | { source: unknown }; failure?: Failure };

/** An image that crosses. `ImageBitmap`s and `VideoFrame`s are the worker's own, and closed by it. */
export type SentImage = Pixels | ImageData | ImageBitmap | VideoFrame | Blob | Uint8Array | ArrayBuffer | string;

export interface Failure {
  name: string;
  message: string;
  code?: string;
}

export type Answer =
  | { id: number; result: Created | DetectionResult }
  | { id: number; failure: Failure }
  | { progress: { loaded: number; total: number } }
  /** The worker asks for a build of the wasm. */
  | { id: number; wasm: WasmBuild };

/** A worker, of pages or of Node. */
export interface DetectorWorker {
  post(message: Request, transfer: readonly unknown[]): void;
  /** Whether the process stays alive for it. */
  hold(alive: boolean): void;
  end(): void;
}

export interface DetectorWorkerEvents {
  answer(answer: Answer): void;
  failed(message: string): void;
}
