// The interface between a program and its callers: inputs and outputs in linear memory, and kernels for pre- and
// post-processing.
//
//   | program: records, weights, activations | record of a call | scratch |
//                                            layout.bytes
//
// Whatever prepares inputs or reads outputs (vision for photos, tensors.ts for callers' tensors) is a function on a
// session and needs nothing else of a model.
import type { KernelName, KernelNumbers } from '../program/kernels.ts';
import { kernelNames } from '../program/kernels.ts';
import type { Endpoint, Program } from '../program/program.ts';
import type { MemoryLayout } from './expand.ts';
import type { Instance } from './instantiate.ts';
import { growMemory } from './instantiate.ts';
import { recordBytes, up64, writeRecord } from './record.ts';
import type { EndpointView } from './endpoint-view.ts';
import { viewOf } from './view.ts';

/** Exclusive use of a model's memory: inputs are written, the program runs, outputs are read. */
export interface Session {
  /** The model's name, for messages. */
  readonly name: string;
  readonly inputs: readonly Endpoint[];
  readonly outputs: readonly Endpoint[];
  /** A view of an input or output. @throws FiligreeError `disposed` after the model's dispose(), as all methods here */
  view(endpoint: Endpoint): EndpointView;
  /**
   * Memory behind the program, 64-byte aligned, followed by 64 bytes that kernels may touch. Its address is its
   * `byteOffset`. There is one such piece: it is valid until the next call of scratch(), of a view's read() or write(),
   * or of run().
   * @param purpose for the message when the host has no memory left
   * @throws FiligreeError `environment` when the host cannot provide that much
   */
  scratch(bytes: number, purpose: string): Uint8Array;
  /** Runs one kernel on the calling thread. Arguments are not checked; pointers are addresses. */
  call<K extends KernelName>(kernel: K, numbers: KernelNumbers<K>): void;
  /**
   * Runs the program, then `read`. Where the calling thread takes part in the run, both are done when this returns, so
   * that no other run can come between; elsewhere it returns a promise.
   */
  run<T>(read: () => T): T | Promise<T>;
}

/** Bytes of the longest record of any kernel. */
const callBytes = up64(Math.max(...kernelNames.map(recordBytes)));

/**
 * @param live returns the instance while the model is live: a session must not keep freed memory alive
 * @param execute runs the program on the inputs in memory
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
      growMemory(memory, record + callBytes, kernel); // any scratch lies behind the record: it does not move
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
