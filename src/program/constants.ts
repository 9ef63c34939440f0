import type { Constant } from './program.ts';

/** Bytes of a constant once it is expanded into linear memory, without slack. */
export function constantBytes(constant: Constant): number {
  switch (constant.form) {
    case 'f32':
    case 'i32':
      return 4 * constant.data.length;
    case 'taps': {
      const { channels, kernel } = constant.taps;
      return 4 * channels * kernel[0] * kernel[1];
    }
    case 'gemm':
      return 4 * constant.panel * (constant.columns + 1) * Math.ceil(constant.rows / constant.panel);
    case 'spmm': {
      // the values say how many positions the full groups have, but for those of the last rows, which stand alone
      const { rows, group, counts, values } = constant;
      const full = Math.floor(rows / group);
      let single = 0;
      for (let i = full; i < counts.length; i++) single += counts[i];
      const shared = (values.length - single) / group;
      return (full + shared) * (4 + 4 * group) + (counts.length - full + single) * 8;
    }
    case 'i8': {
      const { rows, group, counts } = constant;
      const full = Math.floor(rows / group);
      let bytes = 0;
      counts.forEach((count, i) => {
        const g = i < full ? group : 1;
        // inputs two by two or four by four: the build decides
        bytes += 4 + 8 * g + Math.max(Math.ceil(count / 2) * (8 + 4 * g), Math.ceil(count / 4) * (16 + 4 * g));
      });
      return bytes;
    }
    case 'quantised': {
      const { rows, columns, bits, counts } = constant;
      if (!counts) return rows * quantisedRowBytes(bits, Math.ceil(columns / 16));
      return counts.reduce((bytes, n) => bytes + quantisedRowBytes(bits, n), 0);
    }
  }
}

/** Bytes of a row of `quantised` weights that has so many groups. */
export function quantisedRowBytes(bits: number, groups: number): number {
  return 16 + (bits === 8 ? 16 * Math.ceil(groups / 8) + 16 * groups : 4 * Math.ceil((14 * groups) / 4));
}
