import { deflateRawSync } from 'node:zlib';
import { afterEach, expect, it, vi } from 'vitest';
import { inflate } from '../../src/hosts/inflate.ts';

afterEach(() => vi.unstubAllGlobals());

const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => (i * i) >> 7);

it('gives what was deflated', async () => {
  expect(await inflate(deflateRawSync(bytes))).toEqual(bytes);
  expect(await inflate(deflateRawSync(new Uint8Array(0)))).toEqual(new Uint8Array(0));
});

it('refuses broken bytes', async () => {
  await expect(inflate(deflateRawSync(bytes).subarray(0, 50))).rejects.toThrow(
    /end of file|incomplete|Z_BUF|terminated|unexpected/i,
  );
});

it('names what a host lacks', async () => {
  vi.stubGlobal('DecompressionStream', undefined);
  await expect(inflate(deflateRawSync(bytes))).rejects.toMatchObject({ code: 'environment' });
});
