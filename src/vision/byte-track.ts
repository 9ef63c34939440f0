// Which detections of one frame are which of the frame before: ByteTrack (Zhang et al., arXiv 2110.06864), with the
// constants of its code. Detections of low scores keep an object's id while it is half hidden, and begin none.
import { assign } from './assignment.ts';
import { BoxFilter } from './box-filter.ts';
import type { Detection } from './detection.ts';

/** A detection of an object that is followed. */
export interface TrackedDetection extends Detection {
  /** The object's, from 1 on; stays the same from frame to frame, and is never given again. */
  id: number;
}

export interface ByteTrackOptions {
  /** Detections below this score only keep the id of an object that nothing better is seen of. */
  highScore: number;
  /** Detections from this score on begin to be followed; default `highScore` + 0.1. */
  beginScore?: number;
  /** Seconds that an object may be out of sight and still be the same; default 1. */
  patience?: number;
  /** Whether boxes are where the filter believes the object to be, which is steadier, and not where it was seen. */
  smooth?: boolean;
}

/** Frames a second that the filter's constants are for. */
const framesPerSecond = 30;

interface Track {
  readonly id: number;
  readonly filter: BoxFilter;
  detection: Detection;
  /** Seconds since the first frame. */
  seen: number;
  /** Not out of sight. */
  isTracked: boolean;
  /** Seen twice, or in the first frame. */
  isConfirmed: boolean;
}

/** Follows objects through the frames of one video. Objects of different classes are never the same. */
export class ByteTrack {
  private readonly options: Required<ByteTrackOptions>;
  private tracks: Track[] = [];
  private time: number | undefined;
  /** Seconds from the frame before the last to the last. */
  private step = 1 / framesPerSecond;
  /** Seconds since the first frame. */
  private now = 0;
  private ids = 0;

  constructor({ highScore, beginScore = highScore + 0.1, patience = 1, smooth = false }: ByteTrackOptions) {
    this.options = { highScore, beginScore, patience, smooth };
  }

  /**
   * Takes the detections of the next frame.
   * @param detections also those of scores well below `highScore`
   * @param time of the frame, in seconds, later than the one before; where it is earlier, a clock was set back, and as much time is taken
   * to have passed as from the last frame to the one before it
   * @returns those that are followed, best first
   */
  next(detections: readonly Detection[], time: number): TrackedDetection[] {
    const { highScore, beginScore, patience } = this.options;
    const isFirst = this.time === undefined;
    if (!isFirst && time >= this.time!) this.step = time - this.time!;
    this.time = time;
    if (!isFirst) this.now += this.step;
    for (const track of this.tracks) track.filter.predict(this.step * framesPerSecond, track.isTracked);
    const solid = detections.filter(({ box }) => box.xmax > box.xmin && box.ymax > box.ymin);
    const high = solid.filter(({ score }) => score >= highScore);
    const low = solid.filter(({ score }) => score < highScore);
    const confirmed = this.tracks.filter(({ isConfirmed }) => isConfirmed);
    const fresh = this.tracks.filter(({ isConfirmed }) => !isConfirmed);

    const first = match(confirmed, high, 0.8, true);
    const visible = first.alone.filter(({ isTracked }) => isTracked);
    const second = match(visible, low, 0.5, false);
    const third = match(fresh, first.left, 0.7, true);
    const pairs = [...first.pairs, ...second.pairs, ...third.pairs];
    for (const [track, detection] of pairs) {
      track.filter.update(detection.box);
      Object.assign(track, { detection, seen: this.now, isTracked: true, isConfirmed: true });
    }
    const updated = new Set(pairs.map(([track]) => track));
    for (const track of this.tracks) if (!updated.has(track)) track.isTracked = false;
    // one that was seen once was nothing
    this.tracks = this.tracks.filter((track) => track.isConfirmed && this.now - track.seen <= patience);
    for (const detection of third.left) {
      if (detection.score < beginScore) continue;
      const filter = new BoxFilter(detection.box);
      this.tracks.push({ id: ++this.ids, filter, detection, seen: this.now, isTracked: true, isConfirmed: isFirst });
    }
    return this.tracks
      .filter(({ isTracked, isConfirmed }) => isTracked && isConfirmed)
      .map((track) => this.result(track))
      .toSorted((a, b) => b.score - a.score);
  }

  private result({ id, filter, detection }: Track): TrackedDetection {
    if (!this.options.smooth) return { ...detection, id };
    const [from, box] = [detection.box, filter.box];
    const scaleX = (box.xmax - box.xmin) / (from.xmax - from.xmin);
    const scaleY = (box.ymax - box.ymin) / (from.ymax - from.ymin);
    // keypoints move with the box
    const keypoints = detection.keypoints?.map(({ x, y, ...rest }) => ({
      ...rest,
      x: box.xmin + (x - from.xmin) * scaleX,
      y: box.ymin + (y - from.ymin) * scaleY,
    }));
    return { ...detection, id, box, ...(keypoints && { keypoints }) };
  }
}

/**
 * Pairs what is followed with what is seen, by how their boxes overlap.
 * @param limit costs from which on they are not the same; a cost is 1 − overlap, times the score if `fused`
 */
function match(tracks: readonly Track[], detections: readonly Detection[], limit: number, fused: boolean) {
  const costs = tracks.map(({ filter, detection: { classIndex } }) => {
    const { box } = filter;
    return detections.map((seen) =>
      seen.classIndex === classIndex ? 1 - overlap(box, seen.box) * (fused ? seen.score : 1) : 1,
    );
  });
  const columns = assign(costs, limit);
  const taken = new Set(columns);
  return {
    pairs: tracks.flatMap((track, i): [Track, Detection][] =>
      columns[i] >= 0 ? [[track, detections[columns[i]]]] : [],
    ),
    alone: tracks.filter((_, i) => columns[i] < 0),
    left: detections.filter((_, j) => !taken.has(j)),
  };
}

/** Intersection over union. */
function overlap(a: Detection['box'], b: Detection['box']): number {
  const width = Math.min(a.xmax, b.xmax) - Math.max(a.xmin, b.xmin);
  const height = Math.min(a.ymax, b.ymax) - Math.max(a.ymin, b.ymin);
  if (!(width > 0 && height > 0)) return 0;
  const area = (of: Detection['box']) => (of.xmax - of.xmin) * (of.ymax - of.ymin);
  return (width * height) / (area(a) + area(b) - width * height);
}
