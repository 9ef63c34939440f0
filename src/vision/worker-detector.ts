// A detector whose model is in a worker of its own, so that the thread of a page stays free.
import { FiligreeError, type FiligreeErrorCode } from '../errors.ts';
import type { LoadOptions } from '../runtime/load.ts';
import type { ModelSource } from '../runtime/source.ts';
import { wasmOf } from '#wasm';
import type { DetectionResult } from './detection.ts';
import type { DetectorSettings, DetectOptions } from './detector-settings.ts';
import type { FrameSource } from './frames.ts';
import type { ImageSource } from './image-source.ts';
import { sendable } from './sent-image.ts';
import { startWorker } from '#start-worker';
import type { TrackOptions } from './track.ts';
import type { Answer, Created, DetectorWorker, Failure, Request } from './worker-messages.ts';
import type { WorkerModel } from './worker-model.ts';

type Settings = LoadOptions & DetectorSettings;

/** Without the number. */
type Question = Request extends infer R ? (R extends { id: number } ? Omit<R, 'id'> : never) : never;

/** Finds objects in images, in a worker of its own. Made by `createDetector` with `worker: true`. */
export class WorkerDetector {
  /** What the model says of itself; it runs in the worker. */
  readonly model: WorkerModel;
  /** Name of each class. */
  readonly labels: readonly string[];
  /** Names of the keypoints that every detection has; empty for models without keypoints. */
  readonly keypoints: readonly string[];
  /** Detections below this score are left out, unless a call says otherwise. */
  readonly scoreThreshold: number;
  private readonly connection: Connection;

  /** @internal */
  constructor(connection: Connection, { model, labels, keypoints, scoreThreshold }: Created) {
    this.connection = connection;
    this.model = model;
    this.labels = labels;
    this.keypoints = keypoints;
    this.scoreThreshold = scoreThreshold;
  }

  /**
   * Starts a worker and has it load the model.
   * @throws FiligreeError `environment` where no worker starts, and as `createDetector`
   */
  static async create(source: ModelSource, settings: Settings): Promise<WorkerDetector> {
    const { signal, onProgress, wasm, threadHost: _, ...rest } = settings;
    signal?.throwIfAborted();
    const connection = new Connection({ wasm, onProgress });
    try {
      const sent = await sendableModel(source);
      const created = await connection.ask({ create: sent, settings: rest }, [], signal);
      return new WorkerDetector(connection, created as Created);
    } catch (error) {
      connection.end();
      throw error;
    }
  }

  /**
   * Finds objects in an image; see `Detector.detect`. Elements, bitmaps and frames are copied and stay the caller's.
   * @throws FiligreeError as `Detector.detect`, and `environment` when the worker has died
   */
  async detect(image: ImageSource, options: DetectOptions = {}): Promise<DetectionResult> {
    const { signal, ...settings } = options;
    signal?.throwIfAborted();
    const { sent, transfer } = await sendable(image);
    return (await this.connection.ask({ detect: sent, settings }, transfer, signal)) as DetectionResult;
  }

  /** Follows objects through a video, camera or stream; see `Detector.track`. */
  async track(source: FrameSource, options: TrackOptions): Promise<void> {
    const { track } = await import('./track.ts');
    return track(this, source, options);
  }

  /** Ends the worker, and with it all its memory. May be called again. */
  dispose(): void {
    this.connection.end();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Where a model is, as the worker can be told: relative URLs are the page's. */
async function sendableModel(source: ModelSource): Promise<string | ArrayBuffer | Uint8Array | Blob> {
  if (source instanceof URL) return source.href;
  if (typeof source === 'string') return absolute(source);
  return typeof Response !== 'undefined' && source instanceof Response ? source.arrayBuffer() : (source as Blob);
}

const absolute = (path: string) => (typeof document === 'object' ? new URL(path, document.baseURI).href : path);

/** Questions to a worker, and their answers. */
class Connection {
  private readonly worker: DetectorWorker;
  private readonly waiting = new Map<number, { resolve(result: unknown): void; reject(cause: unknown): void }>();
  private questions = 0;
  private over: FiligreeError | undefined;

  constructor({ wasm = wasmOf, onProgress }: Pick<LoadOptions, 'wasm' | 'onProgress'>) {
    this.worker = startWorker({
      answer: (answer) => {
        if ('progress' in answer) onProgress?.(answer.progress);
        else if ('wasm' in answer) void this.giveWasm(answer.id, () => wasm(answer.wasm));
        else this.settle(answer);
      },
      failed: (message) => this.end(new FiligreeError('environment', message)),
    });
  }

  ask(question: Question, transfer: readonly unknown[], signal?: AbortSignal): Promise<unknown> {
    if (this.over) return Promise.reject(this.over);
    const id = ++this.questions;
    return new Promise((resolve, reject) => {
      const stop = () => reject(signal!.reason);
      signal?.addEventListener('abort', stop);
      this.waiting.set(id, {
        resolve: (result) => (signal?.removeEventListener('abort', stop), resolve(result)),
        reject: (cause) => (signal?.removeEventListener('abort', stop), reject(cause)),
      });
      this.worker.hold(true);
      try {
        this.worker.post({ ...question, id } as Request, transfer);
      } catch (cause) {
        this.settle({ id, failure: { name: 'FiligreeError', code: 'invalid-argument', message: cannotCross(cause) } });
      }
    });
  }

  end(why = new FiligreeError('disposed', 'detect: the detector is disposed')): void {
    if (this.over) return;
    this.over = why;
    for (const { reject } of this.waiting.values()) reject(why);
    this.waiting.clear();
    this.worker.end();
  }

  private settle(answer: Extract<Answer, { result: unknown } | { failure: unknown }>): void {
    const question = this.waiting.get(answer.id);
    this.waiting.delete(answer.id);
    if (this.waiting.size === 0) this.worker.hold(false);
    if ('failure' in answer) question?.reject(errorOf(answer.failure));
    else question?.resolve(answer.result);
  }

  private async giveWasm(id: number, wasm: () => ReturnType<NonNullable<LoadOptions['wasm']>>): Promise<void> {
    let reply: Extract<Request, { wasm?: unknown }>;
    try {
      const source = await wasm();
      if (source instanceof URL) reply = { id, wasm: { url: source.href } };
      else if (typeof source === 'string') reply = { id, wasm: { source: absolute(source) } };
      else if (typeof Response !== 'undefined' && source instanceof Response) {
        reply = { id, wasm: { source: await source.arrayBuffer() } };
      } else reply = { id, wasm: { source } };
    } catch (error) {
      const { name, message, code } = error as Failure;
      reply = { id, failure: { name, message, code } };
    }
    if (!this.over) this.worker.post(reply, []);
  }
}

const cannotCross = (cause: unknown) => `worker: this cannot be sent to a worker: ${(cause as Error).message}`;

function errorOf({ name, message, code }: Failure): Error {
  if (name === 'FiligreeError') return new FiligreeError(code as FiligreeErrorCode, message);
  return Object.assign(new Error(message), { name });
}
