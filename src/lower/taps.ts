import type { TapTable } from '../program/program.ts';

/** A tap table of consecutive columns, each a plane or a number. */
export function flatTaps(channels: number, channelBytes: number): TapTable {
  return { channels, kernel: [1, 1], stride: [1, 1], dilation: [1, 1], channelBytes, phaseBytes: 0, rowBytes: 0 };
}

/** The entries of a tap table; expand_taps (assembly/expand) writes the same. */
export function tapOffsets({
  channels,
  kernel,
  stride,
  dilation,
  channelBytes,
  phaseBytes,
  rowBytes,
}: TapTable): Int32Array {
  const phasesW = Math.min(stride[1], (kernel[1] - 1) * dilation[1] + 1);
  const offsets = new Int32Array(channels * kernel[0] * kernel[1]);
  let at = 0;
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < kernel[0] * dilation[0]; y += dilation[0]) {
      const row = (y % stride[0]) * phasesW * phaseBytes + Math.floor(y / stride[0]) * rowBytes;
      for (let x = 0; x < kernel[1] * dilation[1]; x += dilation[1]) {
        offsets[at++] = c * channelBytes + row + (x % stride[1]) * phaseBytes + 4 * Math.floor(x / stride[1]);
      }
    }
  }
  return offsets;
}
