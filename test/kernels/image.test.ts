import { describe, expect, it } from 'vitest';
import { loadCall, type Call } from './planes.ts';
import { builds, relativeError } from './wasm.ts';

interface Rectangle {
  left: number;
  top: number;
  width: number;
  height: number;
}

interface Case {
  channels: 1 | 3 | 4;
  /** Of the image, in pixels. */
  size: readonly [width: number, height: number];
  source: Rectangle;
  /** Of the output, in pixels. */
  output: readonly [width: number, height: number];
  destination: Rectangle;
  layout: 'planar' | 'interleaved';
  reverse?: boolean;
  antialias?: boolean;
  /** Bytes between rows. */
  gap?: number;
}

const pad = 114;
const scale = [1 / 58.4, 1 / 57.1, 1 / 57.4];
const offset = [-2.1, -2, -1.8];

/** Bytes that differ from their neighbours by much. */
function noise(count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  let state = 7;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** Source pixels that output i of `to` is made of, with weights that add up to 1. */
function neighbours(i: number, to: number, from: number, antialias: boolean): [index: number, weight: number][] {
  const step = from / to;
  if (antialias && step > 2) {
    const covered = (k: number) => Math.max(0, Math.min(k + 1, (i + 1) * step) - Math.max(k, i * step));
    return Array.from({ length: from }, (_, k) => [k, covered(k) / step] as [number, number]).filter(([, w]) => w > 0);
  }
  const at = (i + 0.5) * step - 0.5;
  const clamp = (k: number) => Math.min(Math.max(k, 0), from - 1);
  const low = Math.floor(at);
  return [
    [clamp(low), 1 - (at - low)],
    [clamp(low + 1), at - low],
  ];
}

/** y as (height, width, channels). */
function reference(x: Uint8Array, c: Case): Float64Array {
  const { channels, size, source, output, destination, reverse = false, antialias = false, gap = 0 } = c;
  const rowBytes = size[0] * channels + gap;
  const y = new Float64Array(output[0] * output[1] * 3);
  for (let i = 0; i < output[1]; i++) {
    for (let j = 0; j < output[0]; j++) {
      const row = i - destination.top;
      const column = j - destination.left;
      const isInside = row >= 0 && row < destination.height && column >= 0 && column < destination.width;
      for (let channel = 0; channel < 3; channel++) {
        const of = channels === 1 ? 0 : reverse ? 2 - channel : channel;
        let value = isInside ? 0 : pad;
        if (isInside) {
          for (const [r, wr] of neighbours(row, destination.height, source.height, antialias)) {
            for (const [k, wk] of neighbours(column, destination.width, source.width, antialias)) {
              value += wr * wk * x[(source.top + r) * rowBytes + (source.left + k) * channels + of];
            }
          }
        }
        y[(i * output[0] + j) * 3 + channel] = value * scale[channel] + offset[channel];
      }
    }
  }
  return y;
}

function check(call: Call, c: Case): void {
  const { channels, size, source, output, destination, layout, reverse = false, antialias = false, gap = 0 } = c;
  const xRow = size[0] * channels + gap;
  const x = noise(xRow * size[1]);
  const planar = layout === 'planar';
  const plane = output[0] * output[1] + 5;
  const { y } = call('f32_image', {
    x,
    channels,
    xRow,
    xLeft: source.left,
    xTop: source.top,
    xWidth: source.width,
    xHeight: source.height,
    yRow: 4 * output[0] * (planar ? 1 : 3),
    yPixel: planar ? 4 : 12,
    yChannel: planar ? 4 * plane : 4,
    width: output[0],
    height: output[1],
    left: destination.left,
    top: destination.top,
    toWidth: destination.width,
    toHeight: destination.height,
    reverse: Number(reverse),
    antialias: Number(antialias),
    pad,
    ...Object.fromEntries(
      [0, 1, 2].flatMap((i) => [
        [`scale${i}`, scale[i]],
        [`offset${i}`, offset[i]],
      ]),
    ),
  });
  const actual = Float32Array.from({ length: output[0] * output[1] * 3 }, (_, i) =>
    planar ? y[(i % 3) * plane + Math.floor(i / 3)] : y[i],
  );
  // f32 weights and sums against f64.
  expect(relativeError(actual, reference(x, c)), JSON.stringify(c)).toBeLessThan(2e-6);
}

const whole = ([width, height]: readonly [number, number]): Rectangle => ({ left: 0, top: 0, width, height });

describe.each(builds)('f32_image, %s build', async (build) => {
  const call = await loadCall(build);
  const layouts = ['planar', 'interleaved'] as const;

  it('copies pixels when sizes are the same', () => {
    for (const channels of [1, 3, 4] as const) {
      for (const layout of layouts) {
        for (const size of [
          [1, 1],
          [5, 3],
          [16, 17],
        ] as const) {
          check(call, { channels, size, source: whole(size), output: size, destination: whole(size), layout });
        }
      }
    }
  });

  it('blends between all sizes, up and down', () => {
    const sizes = [1, 2, 3, 4, 5, 7, 8, 13, 31];
    for (const from of sizes) {
      for (const to of sizes) {
        for (const antialias of [false, true]) {
          const size = [from, 6] as const;
          const output = [to, 4] as const;
          const some = { source: whole(size), destination: whole(output), antialias };
          check(call, { ...some, channels: 3, size, output, layout: 'planar' });
          const turned = { source: whole([6, from]), destination: whole([4, to]), antialias };
          check(call, { ...turned, channels: 4, size: [6, from], output: [4, to], layout: 'interleaved' });
        }
      }
    }
  });

  it('averages areas when both axes shrink by more than two', () => {
    for (const [from, to] of [
      [64, 8],
      [50, 7],
      [33, 16],
      [97, 1],
      [31, 15],
    ]) {
      for (const channels of [1, 3, 4] as const) {
        const size = [from, from + 3] as const;
        const output = [to, to] as const;
        const some = { channels, size, output, source: whole(size), destination: whole(output) };
        check(call, { ...some, layout: 'planar', antialias: true });
      }
    }
  });

  it('keeps to the rectangles and pads around them', () => {
    for (const channels of [1, 3, 4] as const) {
      for (const layout of layouts) {
        for (const reverse of [false, true]) {
          for (const antialias of [false, true]) {
            const some = { channels, layout, reverse, antialias, size: [40, 30], output: [17, 16] } as const;
            const source = { left: 3, top: 5, width: 30, height: 21 };
            const destination = { left: 1, top: 4, width: 13, height: 9 };
            check(call, { ...some, source, destination });
            check(call, { ...some, source, destination, gap: 7 });
            check(call, { ...some, source: { left: 39, top: 29, width: 1, height: 1 }, destination });
            check(call, { ...some, source, destination: { left: 16, top: 15, width: 1, height: 1 } });
          }
        }
      }
    }
  });
});
