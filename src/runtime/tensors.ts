// Callers' tensors ↔ a model's inputs and outputs.
import { FiligreeError } from '../errors.ts';
import { Tensor } from '../tensor.ts';
import { inputValues } from './endpoint.ts';
import type { Session } from './session.ts';

/**
 * Writes one tensor per input.
 * @throws FiligreeError `invalid-argument` for a missing, unknown or ill-shaped input
 */
export function writeInputs(session: Session, tensors: Record<string, Tensor>): void {
  const { name: model, inputs } = session;
  const fail = (message: string): never => {
    throw new FiligreeError('invalid-argument', `${model}: ${message}`);
  };
  const names = () => inputs.map(({ name }) => `"${name}"`).join(', ');
  if (typeof tensors !== 'object' || tensors === null) {
    fail(`wanted an object with a tensor for each input (${names()}); got ${String(tensors)}`);
  }
  for (const name of Object.keys(tensors)) {
    if (!inputs.some((input) => input.name === name)) fail(`no input named "${name}"; inputs are ${names()}`);
  }
  for (const input of inputs) {
    const { name, dtype, shape } = input;
    const tensor = Object.hasOwn(tensors, name) ? tensors[name] : undefined;
    if (!tensor) return fail(`input "${name}" (${dtype} [${shape.join(', ')}]) is missing`);
    session.view(input).write(inputValues(input, tensor, model));
  }
}

/** Copies the outputs: one float32 tensor each, by name. */
export function readOutputs(session: Session): Record<string, Tensor> {
  const { outputs } = session;
  return Object.fromEntries(
    outputs.map((output) => [output.name, new Tensor('float32', output.shape, session.view(output).read())]),
  );
}
