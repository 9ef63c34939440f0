// Starts the PNG decoder of @jsquash/png. On a broken file it stops without freeing its memory, and its own module can
// start it only once: every broken file would leak megabytes. This class can be dropped and started again.

/** The wasm's exports that are called. */
interface PngExports {
  readonly memory: WebAssembly.Memory;
  __wbindgen_malloc(bytes: number, alignment: number): number;
  __wbindgen_free(at: number, bytes: number, alignment: number): void;
  decode(at: number, bytes: number): number;
}

interface Decoded {
  data: Uint8ClampedArray;
  width: number;
  height: number;
}

export class PngDecoder {
  readonly #exports: PngExports;
  /** Filled by `decode`. */
  readonly #found: { image?: Decoded };

  private constructor(exports: PngExports, found: { image?: Decoded }) {
    this.#exports = exports;
    this.#found = found;
  }

  /** @param module codec/pkg/squoosh_png_bg.wasm */
  static async start(module: WebAssembly.Module): Promise<PngDecoder> {
    const found: { image?: Decoded } = {};
    // import names end in hashes; decoding calls the one that makes an ImageData, and on failure the last
    const imports: Record<string, WebAssembly.ImportValue> = {};
    for (const { name } of WebAssembly.Module.imports(module)) {
      imports[name] = name.startsWith('__wbg_newwithownedu8clampedarray')
        ? (at: number, bytes: number, width: number, height: number) => {
            const data = new Uint8ClampedArray(exports.memory.buffer, at >>> 0, bytes >>> 0).slice();
            exports.__wbindgen_free(at, bytes, 1);
            found.image = { data, width, height };
            return 0;
          }
        : () => {
            throw new Error(`unreachable: ${name}`);
          };
    }
    const instance = await WebAssembly.instantiate(module, { wbg: imports });
    const exports = instance.exports as unknown as PngExports;
    return new PngDecoder(exports, found);
  }

  /** @throws WebAssembly.RuntimeError for a broken file; the decoder must be dropped then */
  decode(bytes: Uint8Array): Decoded {
    const at = this.#exports.__wbindgen_malloc(bytes.length, 1) >>> 0;
    new Uint8Array(this.#exports.memory.buffer).set(bytes, at);
    this.#found.image = undefined;
    this.#exports.decode(at, bytes.length);
    const { image } = this.#found;
    this.#found.image = undefined;
    if (!image) throw new Error('unreachable: no picture');
    return image;
  }
}
