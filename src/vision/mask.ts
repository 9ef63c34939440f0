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

/** A mask of all that either shows. */
export function union(a: Mask, b: Mask): Mask {
  const [x, y] = [Math.min(a.x, b.x), Math.min(a.y, b.y)];
  const width = Math.max(a.x + a.width, b.x + b.width) - x;
  const height = Math.max(a.y + a.height, b.y + b.height) - y;
  const data = new Uint8Array(width * height);
  for (const part of [a, b]) {
    for (let row = 0; row < part.height; row++) {
      const to = (part.y - y + row) * width + part.x - x;
      for (let i = 0; i < part.width; i++) data[to + i] |= part.data[row * part.width + i];
    }
  }
  return { x, y, width, height, data };
}
