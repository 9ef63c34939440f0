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
      return 16 * (constant.columns + 1) * Math.ceil(constant.rows / 4);
    case 'spmm': {
      const { rows, group, counts } = constant;
      const full = Math.floor(rows / group);
      let bytes = 0;
      counts.forEach((count, i) => {
        bytes += (1 + count) * (4 + 4 * (i < full ? group : 1));
      });
      return bytes;
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
  }
}
