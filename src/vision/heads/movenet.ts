// MoveNet (https://www.tensorflow.org/hub/tutorials/movenet): the 17 keypoints of one person, or of up to six with their boxes.
import { CandidateList } from '../candidates.ts';
import { field, invalid, outputNamed, text } from '../fields.ts';
import type { Decoder, HeadType } from './head-type.ts';
import { keypointNames } from './keypoints.ts';

export interface MovenetHead {
  readonly type: 'movenet';
  /**
   * Name of the output: (1, 1, 17, 3) of one person, y, x and score of each keypoint; or (1, people, 56), the same and then
   * ymin, xmin, ymax, xmax and the score of the box. Coordinates are fractions of the input.
   */
  readonly output: string;
}

const names = keypointNames(17);
const numbers = 3 * names.length;

/** Keypoints of at least this score make up the box of one person, as MoveNet's own cropping has it. */
const minKeypointScore = 0.2;

export const movenet: HeadType<MovenetHead> = {
  read: (value) => ({ type: 'movenet', output: text(field(value, 'output')) }),
  decoder(head, { width, height }, outputs) {
    const { shape } = outputNamed(outputs, head.output);
    const single = shape.join() === [1, 1, names.length, 3].join();
    const stride = single ? numbers : numbers + 5;
    if (!single && (shape.length !== 3 || shape[2] !== stride)) {
      throw invalid(`metadata.vision.head: output "${head.output}"`, '[1, 1, 17, 3] or [1, people, 56]', shape);
    }
    const decode: Decoder['decode'] = (tensors, { scoreThreshold }) => {
      const values = tensors.values(head.output);
      const candidates = new CandidateList(names.length);
      for (let at = 0; at < values.length; at += stride) {
        const keypoints: number[] = [];
        const keypointScores: number[] = [];
        const seen: [number, number][] = [];
        for (let k = at; k < at + numbers; k += 3) {
          const place: [number, number] = [values[k + 1] * width, values[k] * height];
          keypoints.push(...place);
          keypointScores.push(values[k + 2]);
          if (values[k + 2] >= minKeypointScore) seen.push(place);
        }
        const more = { keypoints, keypointScores };
        if (single) {
          const score = keypointScores.reduce((sum, s) => sum + s, 0) / names.length;
          if (!(score >= scoreThreshold) || seen.length === 0) continue;
          const [xs, ys] = [seen.map(([x]) => x), seen.map(([, y]) => y)];
          candidates.add([Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)], score, 0, more);
        } else {
          const [ymin, xmin, ymax, xmax, score] = values.subarray(at + numbers, at + stride);
          if (!(score >= scoreThreshold)) continue;
          candidates.add([xmin * width, ymin * height, xmax * width, ymax * height], score, 0, more);
        }
      }
      return candidates.finish();
    };
    return { classes: 1, keypoints: names, suppression: 'none', decode };
  },
};
