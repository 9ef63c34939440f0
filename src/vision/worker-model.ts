import type { ModelInfo, TensorInfo } from '../runtime/model.ts';

/** What the worker's model says of itself. */
export interface WorkerModel {
  readonly name: string;
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly info: ModelInfo;
}
