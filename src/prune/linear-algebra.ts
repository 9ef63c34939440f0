// The wasm for pruning's computations (assembly/prune), and memory for its operands.
import { FiligreeError } from '../errors.ts';
import { growMemory } from '../runtime/instantiate.ts';
import { readSmallFile, readSource } from '../runtime/source.ts';

/** The exports of assembly/prune. Addresses are in bytes; see there. */
interface Exports {
  gram(
    x: number,
    y: number,
    samples: number,
    capacity: number,
    panelsX: number,
    panelsY: number,
    g: number,
    stride: number,
    symmetric: number,
  ): void;
  dots(
    m: number,
    n: number,
    k: number,
    a: number,
    lda: number,
    b: number,
    ldb: number,
    c: number,
    ldc: number,
    keep: number,
    sign: number,
  ): void;
  cholesky(a: number, n: number, ld: number, least: number): number;
  solve(l: number, n: number, ld: number, b: number, count: number, ldb: number): void;
  inverse(l: number, n: number, ld: number, u: number, to: number): void;
  lower_part(h: number, ldh: number, at: number, count: number, a: number, lda: number): void;
  matmul(rows: number, k: number, x: number, ldx: number, m: number, panels: number, y: number, ldy: number): void;
  pack_panels(m: number, k: number, n: number, ld: number, to: number): void;
}

/** Start of memory for operands; static data lies below it. */
const base = 4096;

let module: Promise<WebAssembly.Module> | undefined;

async function compile(): Promise<WebAssembly.Module> {
  const { pruneWasm } = await import('../hosts/prune-wasm.ts');
  return WebAssembly.compile((readSmallFile(pruneWasm) ?? (await readSource(pruneWasm))) as BufferSource);
}

/**
 * An instance with its own memory. Operands lie one after the other; `scope` frees everything taken inside it. Views are
 * valid until more memory is taken.
 */
export class LinearAlgebra {
  readonly run: Exports;
  readonly #memory: WebAssembly.Memory;
  #top = base;

  private constructor(instance: WebAssembly.Instance, memory: WebAssembly.Memory) {
    this.run = instance.exports as unknown as Exports;
    this.#memory = memory;
  }

  /** @throws FiligreeError `not-found` when the wasm is missing */
  static async open(): Promise<LinearAlgebra> {
    module ??= compile();
    module.catch(() => (module = undefined));
    const memory = new WebAssembly.Memory({ initial: 1 });
    return new LinearAlgebra(await WebAssembly.instantiate(await module, { env: { memory } }), memory);
  }

  /** Address of `count` doubles, 64-byte aligned, of undefined content. @throws FiligreeError `environment` */
  doubles(count: number): number {
    return this.#take(8 * count);
  }

  /** Address of `count` floats, as `doubles`. */
  floats(count: number): number {
    return this.#take(4 * count);
  }

  #take(bytes: number): number {
    const at = this.#top;
    const top = at + 64 * Math.ceil(bytes / 64);
    if (top > 2 ** 32 - 65536)
      throw new FiligreeError('environment', 'pruning: a layer needs more than 4 GiB of memory');
    growMemory(this.#memory, top + 64, 'pruning'); // kernels may read a little further
    this.#top = top;
    return at;
  }

  float64(at: number, count: number): Float64Array {
    return new Float64Array(this.#memory.buffer, at, count);
  }

  float32(at: number, count: number): Float32Array {
    return new Float32Array(this.#memory.buffer, at, count);
  }

  uint32(at: number, count: number): Uint32Array {
    return new Uint32Array(this.#memory.buffer, at, count);
  }

  /** The end of the memory taken so far, for `release`. */
  mark(): number {
    return this.#top;
  }

  /** Frees everything taken after `mark`. */
  release(mark: number): void {
    this.#top = mark;
  }

  /** Frees what `body` takes. `body` must be synchronous, else memory that others take meanwhile would be freed. */
  scope<T>(body: () => T): T {
    const top = this.#top;
    try {
      return body();
    } finally {
      this.#top = top;
    }
  }
}
