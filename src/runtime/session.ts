// How the outside of a program meets its inside: inputs and outputs in linear memory, kernels for what lies around them.
//
//   | program: records, weights, activations | record of a call | scratch |
//                                            layout.bytes
//
// Whoever prepares inputs or reads outputs in its own way (vision does both, tensors.ts for callers' tensors) is a function
// on a session and needs nothing else of a model.
import type { KernelName, KernelNumbers } from '../program/kernels.ts';
import { kernelNames } from '../program/kernels.ts';
import type { Endpoint, Program } from '../program/program.ts';
import type { MemoryLayout } from './expand.ts';
import type { Instance } from './instantiate.ts';
import { growMemory } from './instantiate.ts';
import { recordBytes, up64, writeRecord } from './record.ts';
import type { EndpointView } from './view.ts';
import { viewOf } from './view.ts';

/** A model's memory for one turn: inputs are written, the program runs, outputs are read. */
export interface Session {
  /** The model's name, for messages. */
  readonly name: string;
  readonly inputs: readonly Endpoint[];
  readonly outputs: readonly Endpoint[];
  /** Where an input or output lies. @throws FiligreeError `disposed` after the model's dispose(); so do the others */
  view(endpoint: Endpoint): EndpointView;
  /**
   * Memory behind the program, 64-byte aligned, with 64 bytes that kernels may touch behind it. Its address is its
   * `byteOffset`. One piece at a time: good until the next call of scratch(), of a view's read() or write(), or of run().
   * @param purpose for the message when the host has no memory left
   * @throws FiligreeError `environment` when the host cannot give that much
   */
  scratch(bytes: number, purpose: string): Uint8Array;
  /** Runs one kernel on the calling thread. Nothing is checked; pointers are addresses. */
  call<K extends KernelName>(kernel: K, numbers: KernelNumbers<K>): void;
  /**
   * Runs the program, then `read`. Where the calling thread takes part in the run, both are done when this returns, so
   * that no other run can come between; elsewhere it returns a promise.
   */
  run<T>(read: () => T): T | Promise<T>;
}

/** The longest record of any kernel. */
const callBytes = up64(Math.max(...kernelNames.map(recordBytes)));

/**
 * @param live the instance, for as long as there is one: a session does not keep memory from being given back
 * @param execute runs the program on the inputs that are written
 */
export function openSession(
  { name, inputs, outputs }: Program,
  { buffers, bytes: end }: MemoryLayout,
  live: () => Instance,
  execute: () => void | Promise<void>,
): Session {
  const record = up64(end);
  const session: Session = {
    name,
    inputs,
    outputs,
    view: (endpoint) => viewOf(session, live().memory, endpoint, buffers[endpoint.at.buffer] + endpoint.at.offset),
    scratch(bytes, purpose) {
      const { memory } = live();
      const address = record + callBytes;
      growMemory(memory, address + bytes + 64, purpose);
      return new Uint8Array(memory.buffer, address, bytes);
    },
    call(kernel, numbers) {
      const { memory, exports } = live();
      growMemory(memory, record + callBytes, kernel); // a scratch is behind it: this moves none
      writeRecord(memory, record, kernel, (field) => numbers[field as keyof typeof numbers]);
      exports[kernel](record);
    },
    run(read) {
      const running = execute();
      return running ? running.then(read) : read();
    },
  };
  return session;
}
