import { beforeAll, describe, expect, it } from 'vitest';
import { decodeImage, encodePng, toRgba } from '../../src/images/decode.ts';
import { readImageHeader } from '../../src/images/header.ts';
import type { Pixels } from '../../src/vision/preprocessing.ts';
import { jpegOf, paint, pngByHand, pngOf, webpOf, withOrientation } from './pictures.ts';

// Four quarters: red, green / blue, white. 48 × 32, in blocks of 8, which JPEG keeps apart.
const red = [255, 0, 0, 255];
const green = [0, 255, 0, 255];
const blue = [0, 0, 255, 255];
const white = [255, 255, 255, 255];
const quarters = paint(48, 32, (x, y) => (y < 16 ? (x < 24 ? red : green) : x < 24 ? blue : white));

/** Names of the four corners' colours: top left, top right, bottom left, bottom right. */
function corners({ data, width, height, channels }: Pixels): string {
  const name = (x: number, y: number) => {
    const [r, g, b] = data.subarray(channels * (y * width + x));
    return (r > 128 ? 4 : 0) + (g > 128 ? 2 : 0) + (b > 128 ? 1 : 0);
  };
  const letter: Record<number, string> = { 4: 'R', 2: 'G', 1: 'B', 7: 'W' };
  return [name(2, 2), name(width - 3, 2), name(2, height - 3), name(width - 3, height - 3)]
    .map((code) => letter[code] ?? '?')
    .join('');
}

let jpeg: Uint8Array;
let png: Uint8Array;
let webp: Uint8Array;
beforeAll(async () => {
  [jpeg, png, webp] = await Promise.all([jpegOf(quarters), pngOf(quarters), webpOf(quarters)]);
});

describe('decodeImage', () => {
  it('reads JPEG, PNG and WebP', async () => {
    for (const bytes of [jpeg, png, webp, await webpOf(quarters, true)]) {
      const image = await decodeImage(bytes);
      expect([image.width, image.height, image.channels, image.data.length]).toEqual([48, 32, 4, 48 * 32 * 4]);
      expect(corners(image)).toBe('RGBW');
    }
  });

  it('reads PNG bit for bit', async () => {
    const noise = paint(13, 7, (x, y) => [(x * 37) & 255, (y * 91) & 255, (x * y * 13) & 255, 255]);
    expect((await decodeImage(await pngOf(noise))).data).toEqual(noise.data);
    expect((await decodeImage(await webpOf(noise, true))).data).toEqual(noise.data);
  });

  // PNG, section 11.2.1: colour types 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA.
  it.each([
    ['1-bit grey', 0, 1, [[0b01000000]], [0, 0, 0, 255, 255, 255]],
    ['8-bit grey', 0, 8, [[10, 200]], [10, 10, 10, 200, 200, 200]],
    ['16-bit grey', 0, 16, [[10, 10, 200, 200]], [10, 10, 10, 200, 200, 200]],
    ['RGB', 2, 8, [[1, 2, 3, 4, 5, 6]], [1, 2, 3, 4, 5, 6]],
    ['16-bit RGB', 2, 16, [[1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]], [1, 2, 3, 4, 5, 6]],
    ['palette', 3, 8, [[1, 0]], [40, 50, 60, 10, 20, 30]],
    ['grey and alpha', 4, 8, [[10, 255, 20, 0]], [10, 10, 10, 255, 255, 255]],
    ['16-bit RGBA', 6, 16, [[1, 1, 2, 2, 3, 3, 255, 255, 4, 4, 5, 5, 6, 6, 255, 255]], [1, 2, 3, 4, 5, 6]],
  ])('reads a PNG of %s', async (_, colourType, depth, rows, expected) => {
    const { width, height, data } = await decodeImage(pngByHand(2, colourType, depth, rows));
    expect([width, height]).toEqual([2, 1]);
    expect(Array.from(data).filter((_value, i) => i % 4 !== 3)).toEqual(expected);
  });

  it('reads a grey and a progressive JPEG', async () => {
    for (const options of [{ color_space: 1 }, { progressive: true }, { progressive: false, baseline: true }]) {
      const { data } = await decodeImage(
        await jpegOf(
          paint(16, 16, () => [90, 90, 90, 255]),
          options,
        ),
      );
      expect(data.length).toBe(16 * 16 * 4);
      expect(Math.abs(data[0] - 90)).toBeLessThanOrEqual(2); // lossy
      expect(data[1]).toBe(data[0]);
    }
  });

  it('reads bytes in the middle of a larger buffer', async () => {
    const larger = new Uint8Array(png.length + 20).fill(7);
    larger.set(png, 10);
    expect(corners(await decodeImage(larger.subarray(10, 10 + png.length)))).toBe('RGBW');
  });

  // EXIF 2.32, tag 0x0112: which corner of the scene the file's first row and column show.
  it.each([
    [1, 'RGBW', 48, 32],
    [2, 'GRWB', 48, 32], // mirrored left to right
    [3, 'WBGR', 48, 32], // half a turn
    [4, 'BWRG', 48, 32], // mirrored top to bottom
    [5, 'RBGW', 32, 48], // transposed
    [6, 'BRWG', 32, 48], // a quarter turn clockwise
    [7, 'WGBR', 32, 48], // transposed across the other diagonal
    [8, 'GWRB', 32, 48], // a quarter turn anticlockwise
    [9, 'RGBW', 48, 32], // no such orientation
  ])('turns a JPEG of orientation %i', async (orientation, expected, width, height) => {
    for (const littleEndian of [true, false]) {
      const image = await decodeImage(withOrientation(jpeg, orientation, littleEndian));
      expect([corners(image), image.width, image.height]).toEqual([expected, width, height]);
    }
  });

  it('lays transparency on white', async () => {
    const image = await decodeImage(await pngOf(paint(2, 1, (x) => (x === 0 ? [10, 20, 30, 0] : [100, 0, 200, 51]))));
    // 51/255 is a fifth: 100/5 + 204 = 224, 0 + 204, 200/5 + 204 = 244.
    expect(Array.from(image.data)).toEqual([255, 255, 255, 255, 224, 204, 244, 255]);
  });
});

const refusal = async (bytes: Uint8Array) => {
  const error = await decodeImage(bytes, { name: 'photo.jpg' }).catch((caught: unknown) => caught);
  expect(error).toMatchObject({ name: 'FiligreeError', code: 'invalid-image' });
  const { message } = error as Error;
  expect(message.startsWith('photo.jpg: ')).toBe(true);
  expect(message).not.toContain('\n');
  return message;
};
const bytesOf = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'));

describe('decodeImage refuses', () => {
  it('other formats', async () => {
    expect(await refusal(bytesOf('Dear Sir or Madam,\nthe photo'))).toBe(
      'photo.jpg: not a JPEG, PNG or WebP image; it starts with "Dear Sir or Madam, the p…"',
    );
    expect(await refusal(new Uint8Array())).toContain('the file is empty');
    expect(await refusal(bytesOf('GIF89a\x01\x00\x01\x00'))).toContain('it is a GIF image');
    expect(await refusal(bytesOf('\0\0\0\x20ftypheic\0\0'))).toContain('it is a HEIC image');
    expect(await refusal(Uint8Array.of(1, 2, 0xab))).toContain('it starts with the bytes 01 02 ab');
  });

  it('CMYK', async () => {
    const cmyk = jpeg.slice();
    const frame = cmyk.findIndex((byte, i) => byte === 0xff && (cmyk[i + 1] & 0xfc) === 0xc0);
    cmyk[frame + 9] = 4;
    expect(await refusal(cmyk)).toBe('photo.jpg: a CMYK JPEG image, which is not supported; save it as RGB');
  });

  it('truncated pictures, and reads the next one all the same', async () => {
    for (const [name, bytes] of Object.entries({ JPEG: jpeg, PNG: png, WebP: webp })) {
      for (const share of [0.1, 0.3, 0.5, 0.7, 0.9, 0.98]) {
        const message = await refusal(bytes.subarray(0, Math.floor(bytes.length * share)));
        if (share > 0.3) expect(message).toContain(`a ${name} image of`);
        expect(message).toMatch(/broken or cut off|not a JPEG/);
      }
      expect(corners(await decodeImage(bytes))).toBe('RGBW');
    }
  });

  it('one truncated JPEG among good ones decoded at once', async () => {
    const cut = jpeg.subarray(0, jpeg.length - 60);
    const results = await Promise.allSettled([jpeg, cut, jpeg, cut, jpeg].map((bytes) => decodeImage(bytes)));
    expect(results.map(({ status }) => status[0])).toEqual(['f', 'r', 'f', 'r', 'f']);
  });

  it('damaged pictures', async () => {
    const damaged = jpeg.slice();
    for (let i = 200; i < damaged.length - 2; i += 3) damaged[i] ^= 0x55;
    expect(await refusal(damaged)).toContain('broken or cut off');
  });

  it('a JPEG that does not say how large it is', async () => {
    const frame = jpeg.findIndex((byte, i) => byte === 0xff && (jpeg[i + 1] & 0xfc) === 0xc0);
    const hidden = Uint8Array.from([...jpeg.subarray(0, frame), 0x01, ...jpeg.subarray(frame)]); // between two segments
    expect(await refusal(hidden)).toContain('broken or cut off (it does not say how large it is)');
  });

  it('a JPEG of a thousand scans, which would take seconds', async () => {
    const scan = [0xff, 0xda, 0, 8, 1, 1, 0, 1, 63, 0, 0x7f];
    const many = Uint8Array.from([...jpeg, ...Array.from({ length: 1000 }, () => scan).flat()]);
    expect(await refusal(many)).toMatch(/a JPEG image of 100[1-9] scans; at most 100 are decoded/);
  });

  it('pictures of more than 100 megapixels, before decoding them', async () => {
    const large = png.slice();
    new DataView(large.buffer).setUint32(16, 60_000);
    new DataView(large.buffer).setUint32(20, 50_000);
    const padded = new Uint8Array(2_000_000);
    padded.set(large);
    expect(await refusal(padded)).toContain(
      '3000 megapixels, where at most 100 megapixels are decoded; save it smaller',
    );
    expect(await refusal(large)).toContain('60000 × 50000 pixels, 3000 megapixels, where at most 16');
  });
});

it('decodes no small file that claims many pixels, unless asked to', async () => {
  const claiming = jpeg.slice();
  const view = new DataView(claiming.buffer);
  let at = 2;
  while (claiming[at + 1] < 0xc0 || claiming[at + 1] > 0xc2) at += 2 + view.getUint16(at + 2);
  view.setUint16(at + 5, 9000);
  view.setUint16(at + 7, 9000);
  await expect(decodeImage(claiming)).rejects.toThrow('9000 × 9000 pixels, 81 megapixels');
  view.setUint16(at + 5, 500);
  view.setUint16(at + 7, 400);
  await expect(decodeImage(claiming, { maxPixels: 100_000 })).rejects.toThrow('at most 0.1 megapixels are decoded');
});

describe('readImageHeader', () => {
  it('tells the size without decoding', async () => {
    const size = { width: 48, height: 32 };
    expect(readImageHeader(jpeg)).toEqual({ format: 'JPEG', ...size, components: 3 });
    expect(readImageHeader(withOrientation(jpeg, 6))).toEqual({ format: 'JPEG', ...size, components: 3 });
    expect(readImageHeader(png)).toEqual({ format: 'PNG', ...size });
    expect(readImageHeader(webp)).toEqual({ format: 'WebP', ...size });
    expect(readImageHeader(await webpOf(quarters, true))).toEqual({ format: 'WebP', ...size });
    const seeThrough = paint(48, 32, (x) => [1, 2, 3, x]);
    expect(readImageHeader(await webpOf(seeThrough))).toEqual({ format: 'WebP', ...size }); // VP8X
  });

  it('survives any truncation', () => {
    for (const bytes of [jpeg, png, webp]) {
      for (let length = 0; length < 64; length++) readImageHeader(bytes.subarray(0, length));
    }
    expect(readImageHeader(png.subarray(0, 20))).toEqual({ format: 'PNG' });
  });
});

describe('encodePng', () => {
  it('writes grey, RGB and RGBA', async () => {
    const grey: Pixels = { data: Uint8Array.of(0, 128, 255, 9), width: 2, height: 2, channels: 1 };
    const rgb: Pixels = { data: Uint8Array.of(1, 2, 3, 4, 5, 6), width: 1, height: 2, channels: 3 };
    const rgba: Pixels = { data: Uint8Array.of(1, 2, 3, 255, 4, 5, 6, 255), width: 1, height: 2, channels: 4 };
    for (const image of [grey, rgb, rgba]) {
      const back = await decodeImage(await encodePng(image));
      expect([back.width, back.height]).toEqual([image.width, image.height]);
      expect(Array.from(back.data)).toEqual(Array.from(toRgba(image)));
    }
    expect(Array.from(toRgba(rgb))).toEqual([1, 2, 3, 255, 4, 5, 6, 255]);
    expect(Array.from(toRgba(grey)).slice(4, 8)).toEqual([128, 128, 128, 255]);
  });

  it('encodes a view into a larger buffer', async () => {
    const buffer = Uint8Array.from({ length: 64 }, (_, i) => (i % 4 === 3 ? 255 : i));
    const image: Pixels = { data: buffer.subarray(8, 24), width: 2, height: 2, channels: 4 };
    expect(Array.from((await decodeImage(await encodePng(image))).data)).toEqual(Array.from(image.data));
  });
});
