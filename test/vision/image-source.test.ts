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

const read = (source: unknown) => new ImageReader().read(source as ImageSource);

describe('ImageReader', () => {
  it('draws what a page has at its own size', async () => {
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
    vi.stubGlobal('OffscreenCanvas', FakeCanvas);
    vi.stubGlobal('createImageBitmap', decode);
    expect(await read(new Blob(['…']))).toMatchObject({ width: 3, height: 5 });
    expect(decode).toHaveBeenCalledWith(expect.any(Blob), { imageOrientation: 'from-image' });
    expect(bitmap.closed).toBe(true);
    decode.mockRejectedValueOnce(new Error('no image'));
    await expect(read(new Blob(['…'], { type: 'text/plain' }))).rejects.toMatchObject({ code: 'invalid-image' });
  });

  it('says what it lacks', async () => {
    vi.stubGlobal('ImageBitmap', FakeBitmap);
    await expect(read(new FakeBitmap())).rejects.toMatchObject({ code: 'environment' });
    await expect(read({})).rejects.toThrow('image: got Object; wanted { data, width, height, channels }');
    await expect(read(undefined)).rejects.toThrow('image: got undefined');
  });
});
