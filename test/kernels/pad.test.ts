import { describe, expect, it } from 'vitest';
import { paddedPlane } from '../../src/program/layout.ts';
import { loadCall, sizes, spread, type Call } from './planes.ts';
import { builds, randomFloats } from './wasm.ts';

interface Case {
  height: number;
  width: number;
  stride: [number, number];
  phases: [number, number];
  /** Top, left, bottom, right. */
  pads: [number, number, number, number];
}

/** @param multiple of columns: 4 for kernels of floats, any for words */
function check(call: Call, { height, width, stride, phases, pads }: Case, multiple = 4): void {
  const planes = 2;
  const [sh, sw] = stride;
  const [top, left, bottom, right] = pads;
  const rows = Math.max(1, Math.ceil((height + top + bottom) / sh));
  const columns = Math.max(multiple, Math.ceil((width + left + right) / sw / multiple) * multiple);
  const xPlane = paddedPlane(height * width);
  const x = randomFloats(height * 37 + width)(planes * height * width);
  const count = phases[0] * phases[1];
  const yPhase = rows * columns + 4;
  const yPlane = count * yPhase + 8;
  const { y } = call('f32_pad', {
    x: spread(x, height * width, xPlane),
    planes,
    xPlane: 4 * xPlane,
    xHeight: height,
    xWidth: width,
    yPlane: 4 * yPlane,
    yPhase: 4 * yPhase,
    rows,
    columns,
    strideH: sh,
    strideW: sw,
    phasesH: phases[0],
    phasesW: phases[1],
    top,
    left,
    value: -0.25,
  });
  for (let p = 0; p < planes; p++) {
    for (let a = 0; a < phases[0]; a++) {
      for (let b = 0; b < phases[1]; b++) {
        const expected = new Float32Array(rows * columns);
        for (let r = 0; r < rows; r++) {
          for (let c = 0; c < columns; c++) {
            const i = r * sh + a - top;
            const j = c * sw + b - left;
            const inside = i >= 0 && i < height && j >= 0 && j < width;
            expected[r * columns + c] = inside ? x[(p * height + i) * width + j] : -0.25;
          }
        }
        const start = p * yPlane + (a * phases[1] + b) * yPhase;
        expect(y.subarray(start, start + rows * columns)).toEqual(expected); // a copy is exact
      }
    }
  }
}

describe.each(builds)('f32_pad, %s build', async (build) => {
  const call = await loadCall(build);

  it('copies planes of every size with a border', () => {
    for (const height of sizes) {
      for (const width of sizes) {
        check(call, { height, width, stride: [1, 1], phases: [1, 1], pads: [1, 2, 3, 1] });
        check(call, { height, width, stride: [1, 1], phases: [1, 1], pads: [0, 0, 0, 0] });
      }
    }
  });

  it('splits planes into the phases of a stride', () => {
    for (const height of [1, 2, 3, 7, 8, 9]) {
      for (const width of sizes) {
        for (const [sh, sw] of [
          [2, 2],
          [1, 2],
          [2, 1],
          [3, 3],
          [4, 2],
        ]) {
          check(call, { height, width, stride: [sh, sw], phases: [sh, sw], pads: [0, 1, 2, 0] });
          check(call, { height, width, stride: [sh, sw], phases: [1, sw], pads: [1, 0, 1, 3] });
        }
      }
    }
  });

  it('makes rows of any length, for kernels that read them so', () => {
    for (const height of sizes) {
      for (const width of sizes) {
        check(call, { height, width, stride: [1, 1], phases: [1, 1], pads: [1, 1, 1, 1] }, 1);
        check(call, { height, width, stride: [2, 2], phases: [2, 2], pads: [0, 1, 2, 0] }, 1);
        check(call, { height, width, stride: [3, 2], phases: [2, 1], pads: [2, 0, 1, 1] }, 1);
      }
    }
  });

  it('pads by more than the plane, and crops with negative amounts', () => {
    check(call, { height: 2, width: 3, stride: [1, 1], phases: [1, 1], pads: [9, 11, 5, 13] });
    check(call, { height: 3, width: 2, stride: [2, 2], phases: [2, 2], pads: [9, 11, 5, 13] });
    check(call, { height: 9, width: 13, stride: [1, 1], phases: [1, 1], pads: [-2, -5, -1, -3] });
    check(call, { height: 9, width: 13, stride: [2, 3], phases: [2, 3], pads: [-3, -4, 6, 5] });
    check(call, { height: 4, width: 4, stride: [1, 1], phases: [1, 1], pads: [-4, -7, 5, 9] });
  });
});
