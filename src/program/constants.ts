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
      const { rows, group, counts } = constant;
      const full = Math.floor(rows / group);
      let bytes = 0;
      counts.forEach((count, i) => {
        bytes += (1 + count) * (4 + 4 * (i < full ? group : 1));
      });
      return bytes;
    }
    case 'quantised': {
      const { rows, columns, bits, counts } = constant;
      const rowBytes = (n: number) => 16 + (bits === 8 ? 16 * Math.ceil(n / 8) + 16 * n : 4 * Math.ceil((14 * n) / 4));
      if (!counts) return rows * rowBytes(Math.ceil(columns / 16));
      return counts.reduce((bytes, n) => bytes + rowBytes(n), 0);
    }
  }
}
