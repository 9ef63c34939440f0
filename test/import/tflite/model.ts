// Puts small TFLite models together for tests.
import type { Numbers, Options, OperatorSpec, TensorSpec } from './writer.ts';
import { writeTflite } from './writer.ts';

/** Collects tensors and operators; each method returns indices of tensors. */
export class ModelBuilder {
  readonly tensors: TensorSpec[] = [];
  readonly operators: OperatorSpec[] = [];
  readonly inputs: number[] = [];
  readonly outputs: number[] = [];

  add(tensor: TensorSpec): number {
    return this.tensors.push(tensor) - 1;
  }

  input(name: string, shape: readonly number[], more: Partial<TensorSpec> = {}): number {
    const index = this.add({ name, shape, ...more });
    this.inputs.push(index);
    return index;
  }

  floats(shape: readonly number[], data: Float32Array): number {
    return this.add({ shape, data });
  }

  integers(shape: readonly number[], numbers: Numbers): number {
    return this.add({ shape, type: 'int32', data: Int32Array.from(Array.from(numbers)) });
  }

  /** An operator whose outputs are outputs of the graph. */
  output(
    name: string,
    op: string,
    inputs: readonly number[],
    shapes: readonly (readonly number[])[],
    options?: Options,
  ): number[] {
    const made = this.apply(name, op, inputs, shapes, options);
    this.outputs.push(...made);
    return made;
  }

  /** An operator whose outputs stay inside. */
  apply(
    name: string,
    op: string,
    inputs: readonly number[],
    shapes: readonly (readonly number[])[],
    options?: Options,
    more: Partial<TensorSpec> = {},
  ): number[] {
    const outputs = shapes.map((shape, k) =>
      this.add({ name: shapes.length === 1 ? name : `${name} ${k}`, shape, ...more }),
    );
    this.operators.push({ op, inputs, outputs, options });
    return outputs;
  }

  bytes(): Uint8Array {
    return writeTflite(this);
  }
}
