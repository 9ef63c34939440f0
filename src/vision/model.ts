import type { Session } from '../runtime/session.ts';
import type { TensorDescription } from './fields.ts';

/** What vision needs of a loaded model; runtime/model.ts is one. */
export interface ImageModel {
  readonly name: string;
  readonly inputs: readonly TensorDescription[];
  readonly outputs: readonly TensorDescription[];
  readonly metadata: Record<string, unknown>;
  /**
   * One turn with its memory; see `Model.session`.
   * @internal
   */
  session<T>(use: (session: Session) => T | Promise<T>): Promise<T>;
  dispose(): void;
}
