/** Which pixels of an image show an object. */
export interface Mask {
  /** The rectangle that it covers, in whole pixels of the image. */
  x: number;
  y: number;
  width: number;
  height: number;
  /** 1 where the object is, else 0: rows from the top, a byte a pixel. */
  data: Uint8Array;
}
