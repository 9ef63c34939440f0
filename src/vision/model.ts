import type { Session } from '../runtime/session.ts';
import type { TensorDescription } from './fields.ts';

/** The part of a loaded model that vision uses; runtime/model.ts implements it. */
export interface ImageModel {
  readonly name: string;
  readonly inputs: readonly TensorDescription[];
  readonly outputs: readonly TensorDescription[];
  readonly metadata: Record<string, unknown>;
  /**
   * Exclusive use of the model's memory; see `Model.session`.
   * @internal
   */
  session<T>(use: (session: Session) => T | Promise<T>): Promise<T>;
  dispose(): void;
}
