// Places a detection's label: a tab that touches its box and hides as little as possible of any box.

export interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Label extends Area {
  readonly text: string;
  /** The font's size, in pixels. */
  readonly size: number;
}

/** What is drawn so far on a picture of width × height pixels, and what must stay visible. */
export interface Scene {
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly Area[];
  readonly labels: readonly Area[];
}

/** Letters smaller than this, in pixels, are unreadable. */
const smallestSize = 8;

/** A label that would hide more than this share of boxes, summed over boxes, is left out. */
const maxHidden = 0.4;

// Penalties of the places that are not above the box, as shares of a box hidden.
const insteadOfAbove = { inside: 0.02, below: 0.1, right: 0.01 };
const insteadOfLarge = 0.05;
const insteadOfWhole = 0.1;

/**
 * A place for the label of `box`: above, inside at the top, or below; at full size, smaller, or with `short` in place
 * of `text`. Undefined when every place would hide too much of the boxes or another label, or lie outside the picture.
 * @param text the label's text, and a shorter text for narrow places
 * @param margin how far the box's line reaches beyond it, in pixels
 */
export function placeLabel(
  scene: Scene,
  box: Area,
  [text, short]: readonly [string, string],
  margin: number,
  textWidth: (text: string, size: number) => number,
): Label | undefined {
  const longSide = Math.max(scene.width, scene.height);
  const largest = Math.max(Math.min(12, longSide / 16), longSide / 45, smallestSize);
  const asWideAsBox = (0.9 * box.width) / textWidth(text, 1);
  const size = Math.min(largest, Math.max(asWideAsBox, 0.65 * largest, 11));
  const small = Math.max(smallestSize, 0.65 * size);
  let best: Label | undefined;
  let least = maxHidden;
  for (const [written, at, cost] of [
    [text, size, 0],
    [text, small, insteadOfLarge],
    [short, small, insteadOfWhole],
  ] as const) {
    const width = textWidth(written, at) + 0.5 * at;
    const height = 1.25 * at;
    if (width > scene.width || height > scene.height) continue;
    for (const [y, vertical] of [
      [box.y - margin - height, 0],
      [Math.max(0, box.y), insteadOfAbove.inside],
      [box.y + box.height + margin, insteadOfAbove.below],
    ]) {
      if (y < 0 || y + height > scene.height) continue;
      for (const [x, horizontal] of [
        [box.x - margin, 0],
        [box.x + box.width + margin - width, insteadOfAbove.right],
      ]) {
        const tab = { x: Math.max(0, Math.min(x, scene.width - width)), y, width, height };
        if (scene.labels.some((label) => overlap(label, tab) > 0)) continue;
        let hidden = cost + vertical + horizontal;
        for (const other of scene.boxes) {
          if (hidden >= least) break;
          const covered = overlap(other, tab);
          if (covered > 0) hidden += covered / (other.width * other.height);
        }
        if (hidden < least) {
          least = hidden;
          best = { ...tab, text: written, size: at };
        }
      }
    }
  }
  return best;
}

function overlap(a: Area, b: Area): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return width > 0 && height > 0 ? width * height : 0;
}
