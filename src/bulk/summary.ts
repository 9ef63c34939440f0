// Counts the results of a folder: what was found, how surely, how large.
import type { JobResult } from './job.ts';
import { resultsIn } from './results.ts';

/** Counts in bins of equal width. */
export interface Histogram {
  /** Where the first bin begins, and each one's width. */
  readonly start: number;
  readonly step: number;
  readonly counts: number[];
}

export interface ResultSummary {
  photos: number;
  /** Photos in which something was found. */
  withFindings: number;
  found: number;
  kind: 'detections' | 'classifications';
  /** By label, most frequent first. Of classifications, a photo's best class counts. */
  classes: { label: string; count: number; meanScore: number }[];
  /** By code, most frequent first, each with a message as an example. */
  errors: { code: string; count: number; example: string }[];
  /** Of what is counted in `classes`. */
  scores: Histogram;
  /** Share of the photo's longer side that the root of a box's area has, in factors of √2 from 2⁻⁸ up: log2. */
  boxSizes: Histogram;
  /** log2 of megapixels, in factors of √2. */
  photoSizes: Histogram;
  /** Detections in a photo: 0, 1, … and the last for more. */
  perPhoto: Histogram;
}

const histogram = (start: number, step: number, bins: number): Histogram => ({
  start,
  step,
  counts: Array<number>(bins).fill(0),
});

/** Values beyond the ends count in the bins there. */
function count({ start, step, counts }: Histogram, value: number): void {
  const bin = Math.floor((value - start) / step + 1e-9);
  counts[Math.min(Math.max(bin, 0), counts.length - 1)]++;
}

/** Reads all results of a folder, in any order. Memory does not grow with them, only with the number of classes. */
export const summaryOf = (folder: string): Promise<ResultSummary> => summarise(resultsIn(folder));

export async function summarise(results: AsyncIterable<JobResult> | Iterable<JobResult>): Promise<ResultSummary> {
  const classes = new Map<string, { count: number; sum: number }>();
  const errors = new Map<string, { count: number; example: string }>();
  const summary: ResultSummary = {
    photos: 0,
    withFindings: 0,
    found: 0,
    kind: 'detections',
    classes: [],
    errors: [],
    scores: histogram(0, 0.05, 20),
    boxSizes: histogram(-8, 0.5, 16),
    photoSizes: histogram(-7, 0.5, 28),
    perPhoto: histogram(0, 1, 21),
  };
  const add = (label: string, score: number) => {
    const known = classes.get(label) ?? { count: 0, sum: 0 };
    classes.set(label, { count: known.count + 1, sum: known.sum + score });
    count(summary.scores, score);
  };
  for await (const result of results) {
    summary.photos++;
    if (result.error) {
      const { code, message } = result.error;
      const known = errors.get(code) ?? { count: 0, example: message };
      errors.set(code, { ...known, count: known.count + 1 });
      continue;
    }
    const { width, height, detections, classifications } = result;
    count(summary.photoSizes, Math.log2((width * height) / 1e6));
    if (classifications) {
      summary.kind = 'classifications';
      if (classifications.length > 0) add(classifications[0].label, classifications[0].score);
    }
    for (const { label, score, box } of detections ?? []) {
      add(label, score);
      const area = (box.xmax - box.xmin) * (box.ymax - box.ymin);
      count(summary.boxSizes, Math.log2(Math.sqrt(area) / Math.max(width, height)));
    }
    const found = classifications ? Math.min(1, classifications.length) : (detections?.length ?? 0);
    count(summary.perPhoto, found);
    summary.found += found;
    if (found > 0) summary.withFindings++;
  }
  const byCount = (a: { count: number }, b: { count: number }) => b.count - a.count;
  summary.classes = [...classes]
    .map(([label, { count: times, sum }]) => ({ label, count: times, meanScore: sum / times }))
    .toSorted(byCount);
  summary.errors = [...errors].map(([code, error]) => ({ code, ...error })).toSorted(byCount);
  return summary;
}
