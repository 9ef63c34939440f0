// `#codecs` everywhere but in pages: the @jsquash codecs, each started on first use.
import { codecModule } from '#codec-modules';
import { PngDecoder } from './png-decoder.ts';

export { mostPixels } from '#codec-modules';

type Decoded = { data: Uint8ClampedArray; width: number; height: number };

/** The start function of the emscripten codecs; their own types are incomplete. */
type Init = (module: WebAssembly.Module, options?: { printErr?: (line: string) => void }) => Promise<unknown>;

const started = new Map<string, Promise<unknown>>();

/** Calls `start` once per name; after a failure it may be called again. */
function once<T>(name: string, start: () => Promise<T>): Promise<T> {
  let codec = started.get(name) as Promise<T> | undefined;
  if (!codec) {
    codec = start();
    started.set(name, codec);
    codec.catch(() => started.delete(name));
  }
  return codec;
}

const jpegMessages: string[] = [];
let jpegQueue: Promise<unknown> = Promise.resolve();

/**
 * Decodes a JPEG and applies its EXIF orientation. One at a time, so that each gets its own warnings.
 * @returns RGBA, and the decoder's warnings: it fills the rest of a truncated picture with grey
 */
export function decodeJpeg(bytes: Uint8Array<ArrayBuffer>): Promise<{ image: Decoded; complaints: string[] }> {
  const result = jpegQueue.then(() => decodeJpegNow(bytes));
  jpegQueue = result.catch(() => {});
  return result;
}

async function decodeJpegNow(bytes: Uint8Array<ArrayBuffer>): Promise<{ image: Decoded; complaints: string[] }> {
  const decode = await once('jpeg', async () => {
    const codec = await import('@jsquash/jpeg/decode.js');
    const module = await codecModule('jpeg');
    await (codec.init as unknown as Init)(module, { printErr: (line) => jpegMessages.push(line) });
    return codec.default;
  });
  try {
    const image = await decode(bytes.buffer, { preserveOrientation: true });
    return { image, complaints: jpegMessages.splice(0) };
  } catch (cause) {
    started.delete('jpeg'); // the decoder has exited
    throw new Error(jpegMessages.splice(0).join('; ') || (cause as Error).message, { cause });
  }
}

export async function decodePng(bytes: Uint8Array<ArrayBuffer>): Promise<Decoded> {
  const decoder = await once('png', async () => PngDecoder.start(await codecModule('png')));
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    started.delete('png'); // and frees the memory it holds
    throw cause;
  }
}

export async function decodeWebp(bytes: Uint8Array<ArrayBuffer>): Promise<Decoded> {
  const decode = await once('webp', async () => {
    const codec = await import('@jsquash/webp/decode.js');
    const module = await codecModule('webp');
    await (codec.init as unknown as Init)(module, { printErr: () => {} });
    return codec.default;
  });
  return decode(bytes.buffer);
}

/** Decodes other formats that the host supports. */
export const decodeOther: ((bytes: Uint8Array<ArrayBuffer>) => Promise<Decoded>) | undefined = undefined;

/** @param image RGBA */
export async function encodePngBytes(image: Decoded): Promise<Uint8Array<ArrayBuffer>> {
  const encode = await once('png-encode', async () => {
    const codec = await import('@jsquash/png/encode.js');
    await codec.init(await codecModule('png'));
    return codec.default;
  });
  return new Uint8Array(await encode(image as ImageData));
}
