import { afterEach, describe, expect, it, vi } from 'vitest';
import { ImageReader, type ImageSource } from '../../src/vision/image-source.ts';

/** Stand-ins for a browser's canvas and images; test/browser covers the real ones. */
class FakeCanvas {
  width: number;
  height: number;
  constructor(width: number, height: number) {
    [this.width, this.height] = [width, height];
  }
  getContext() {
    return {
      canvas: this,
      fillRect() {},
      drawImage() {},
      getImageData: (_x: number, _y: number, w: number, h: number) => ({
        data: new Uint8ClampedArray(4 * w * h).fill(7),
      }),
    };
  }
}
class FakeVideo {
  videoWidth = 6;
  videoHeight = 4;
}
class FakeBitmap {
  width = 3;
  height = 5;
  closed = false;
  close() {
    this.closed = true;
  }
}

afterEach(() => vi.unstubAllGlobals());

/** Pages have no files. */
function stubPage(decode: unknown, Canvas = FakeCanvas): void {
  vi.stubGlobal(
    'process',
    new Proxy(process, { get: (of, key) => (key === 'getBuiltinModule' ? undefined : Reflect.get(of, key)) }),
  );
  vi.stubGlobal('OffscreenCanvas', Canvas);
  vi.stubGlobal('createImageBitmap', decode);
}

const read = (source: unknown) => new ImageReader().read(source as ImageSource);

describe('ImageReader', () => {
  it('draws sources of a page at their own size', async () => {
    vi.stubGlobal('OffscreenCanvas', FakeCanvas);
    vi.stubGlobal('HTMLVideoElement', FakeVideo);
    const { width, height, channels, data } = await read(new FakeVideo());
    expect([width, height, channels, data.length]).toEqual([6, 4, 4, 96]);
    const later = Object.assign(new FakeVideo(), { videoWidth: 0 });
    await expect(read(later)).rejects.toThrow('the HTMLVideoElement is 0 × 4 pixels; wait until it has loaded');
  });

  it('decodes blobs with their orientation, and closes them', async () => {
    const bitmap = new FakeBitmap();
    const decode = vi.fn(async () => bitmap);
    stubPage(decode);
    expect(await read(new Blob(['…']))).toMatchObject({ width: 3, height: 5 });
    expect(decode).toHaveBeenCalledWith(expect.any(Blob), { imageOrientation: 'from-image' });
    expect(bitmap.closed).toBe(true);
    decode.mockRejectedValueOnce(new Error('no image'));
    await expect(read(new Blob(['…'], { type: 'text/plain' }))).rejects.toMatchObject({ code: 'invalid-image' });
  });

  it('fetches photos by URL, and takes bytes, where there is a canvas', async () => {
    const decode = vi.fn<(blob: Blob) => Promise<FakeBitmap>>(async () => new FakeBitmap());
    stubPage(decode);
    const fetched = vi.fn(
      async (url: string | URL) => new Response('…', { status: String(url).includes('missing') ? 404 : 200 }),
    );
    vi.stubGlobal('fetch', fetched);
    for (const source of [
      'photo.jpg',
      new URL('https://example.com/photo.jpg'),
      new Uint8Array(3),
      new ArrayBuffer(3),
    ]) {
      expect(await read(source)).toMatchObject({ width: 3, height: 5 });
    }
    expect(decode.mock.calls.map(([{ size }]) => size)).toEqual([3, 3, 3, 3]);
    await expect(read('missing.jpg')).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('image: missing.jpg: HTTP 404'),
    });
    decode.mockRejectedValueOnce(new Error('no image'));
    await expect(read('page.html')).rejects.toThrow('image: page.html: 3 bytes');
  });

  it('names crossorigin for pixels of another site', async () => {
    class Tainted extends FakeCanvas {
      override getContext() {
        const getImageData = () => {
          throw new DOMException('The canvas has been tainted by cross-origin data.', 'SecurityError');
        };
        return { ...super.getContext(), getImageData };
      }
    }
    vi.stubGlobal('OffscreenCanvas', Tainted);
    vi.stubGlobal('HTMLVideoElement', FakeVideo);
    await expect(read(new FakeVideo())).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringContaining('crossorigin="anonymous"'),
    });
  });

  it('stops at a signal', async () => {
    const pixels = { data: new Uint8Array(3), width: 1, height: 1, channels: 3 } as const;
    await expect(new ImageReader().read(pixels, AbortSignal.abort('enough'))).rejects.toBe('enough');
  });

  it('says what it lacks', async () => {
    vi.stubGlobal('ImageBitmap', FakeBitmap);
    await expect(read(new FakeBitmap())).rejects.toMatchObject({ code: 'environment' });
    await expect(read({})).rejects.toThrow('image: got Object; wanted { data, width, height, channels }');
    await expect(read(undefined)).rejects.toThrow('image: got undefined');
  });
});
