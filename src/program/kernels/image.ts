// A photo's bytes → a network's input.
import { kernel } from '../kernel.ts';

/** Bytes of scratch that f32_image needs for a destination of `toWidth` pixels. */
export function imageScratchBytes(toWidth: number): number {
  return 20 * (toWidth + 1);
}

export const imageKernels = {
  /**
   * Resizes a rectangle of an image into a rectangle of y; the rest of y gets `pad`. Then every value, including pad,
   * becomes value · scale + offset. Bilinear, pixel centres at half coordinates; beyond the rectangle its border pixels
   * repeat. With `antialias`, an axis that shrinks to less than half is averaged over the area that each pixel covers.
   */
  f32_image: kernel({
    family: 'image',
    record: 'ImageRecord',
    // Its scratch holds counts and byte offsets, which another field of a hostile record could overwrite.
    standalone: true,
    fields: {
      x: 'read', // bytes: `channels` per pixel, interleaved
      scratch: 'write', // imageScratchBytes
      y: 'write',
      channels: 'u32', // 1: grey, written to all three; 3: RGB; 4: RGBA, A is ignored
      xRow: 'u32', // bytes from one row of the image to the next
      xLeft: 'u32', // source rectangle, in pixels of the image
      xTop: 'u32',
      xWidth: 'u32',
      xHeight: 'u32',
      yRow: 'u32', // bytes from one row, pixel and channel of y to the next: planar or interleaved
      yPixel: 'u32',
      yChannel: 'u32',
      width: 'u32', // of y
      height: 'u32',
      left: 'u32', // destination rectangle, in pixels of y
      top: 'u32',
      toWidth: 'u32',
      toHeight: 'u32',
      reverse: 'u32', // 0: y is RGB, 1: BGR
      antialias: 'u32',
      pad: 'f32', // on the scale of bytes, 0…255
      scale0: 'f32', // of y's channels in their order
      scale1: 'f32',
      scale2: 'f32',
      offset0: 'f32',
      offset1: 'f32',
      offset2: 'f32',
    },
    extents(n) {
      if (n.channels !== 1 && n.channels !== 3 && n.channels !== 4) throw new Error(`${n.channels} channels`);
      if (n.reverse > 1) throw new Error(`reverse ${n.reverse} must be 0 or 1`);
      if (!n.xWidth || !n.xHeight || !n.width || !n.height || !n.toWidth || !n.toHeight) {
        throw new Error('an extent is 0');
      }
      if (n.left + n.toWidth > n.width || n.top + n.toHeight > n.height) {
        throw new Error(`the destination does not fit ${n.width}×${n.height} pixels`);
      }
      return {
        // RGB pixels are read as four bytes.
        x: (n.xTop + n.xHeight - 1) * n.xRow + (n.xLeft + n.xWidth) * n.channels + 1,
        scratch: imageScratchBytes(n.toWidth),
        y: (n.height - 1) * n.yRow + (n.width - 1) * n.yPixel + 2 * n.yChannel + 4,
      };
    },
    work: (n) => n.width * n.height + n.xWidth * n.xHeight,
  }),
};
