// Wasm embedded in scripts is deflated: base64 hides from a server's compression what repeats.
import { FiligreeError } from '../errors.ts';

/**
 * The bytes that were deflated (RFC 1951, no header).
 * @throws FiligreeError `environment` where the host cannot inflate; the host's error when the bytes are broken
 */
export async function inflate(deflated: Uint8Array): Promise<Uint8Array> {
  if (typeof DecompressionStream === 'undefined') {
    throw new FiligreeError(
      'environment',
      'this host has no DecompressionStream, which embedded wasm needs: give the wasm by the option wasm',
    );
  }
  const inflated = new Blob([deflated as BlobPart]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  return new Uint8Array(await new Response(inflated).arrayBuffer());
}
