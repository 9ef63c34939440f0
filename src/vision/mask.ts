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

/** Calls `paint` for each run of set pixels in a row, top row first: x and y of its first pixel in the image, and its length. */
export function eachRun(
  { x, y, width, height, data }: Mask,
  paint: (x: number, y: number, length: number) => void,
): void {
  for (let row = 0; row < height; row++) {
    const start = row * width;
    for (let from = 0; from < width;) {
      let to = from;
      while (to < width && data[start + to] !== 0) to++;
      if (to > from) paint(x + from, y + row, to - from);
      from = to + 1;
    }
  }
}
