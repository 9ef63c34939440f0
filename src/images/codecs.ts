// The @jsquash codecs, each started when first used.
import { codecModule } from './codec-files.ts';
import { PngDecoder } from './png-decoder.ts';

type Decoded = { data: Uint8ClampedArray; width: number; height: number };

/** How the emscripten codecs are started; their types name only some of it. */
type Init = (module: WebAssembly.Module, options?: { printErr?: (line: string) => void }) => Promise<unknown>;

const started = new Map<string, Promise<unknown>>();

/** Does `start` once for each name, until it fails. */
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
 * Decodes a JPEG, turned as its EXIF orientation says. One at a time, so that each gets its own complaints.
 * @returns RGBA, and what the decoder complained of: it fills the rest of a truncated picture with grey
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
    started.delete('jpeg'); // it has exited
    throw new Error(jpegMessages.splice(0).join('; ') || (cause as Error).message, { cause });
  }
}

export async function decodePng(bytes: Uint8Array<ArrayBuffer>): Promise<Decoded> {
  const decoder = await once('png', async () => PngDecoder.start(await codecModule('png')));
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    started.delete('png'); // and with it what it holds
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

/** @param image RGBA */
export async function encodePngBytes(image: Decoded): Promise<Uint8Array<ArrayBuffer>> {
  const encode = await once('png-encode', async () => {
    const codec = await import('@jsquash/png/encode.js');
    await codec.init(await codecModule('png'));
    return codec.default;
  });
  return new Uint8Array(await encode(image as ImageData));
}
