// The head of MediaPipe's detectors of faces, palms and bodies (BlazeFace, https://arxiv.org/abs/1907.05047; BlazePose,
// https://arxiv.org/abs/2006.10204), as its graphs configure TensorsToDetectionsCalculator in
// mediapipe/modules/{face,palm,pose}_detection.
import { CandidateList, type Candidates } from '../candidates.ts';
import { field, integer, list, outputNamed, shapeIs, text, type Input } from '../fields.ts';
import { ssdAnchors } from '../ssd-anchors.ts';
import type { Decoder, HeadType } from './head-type.ts';

export interface MediapipeHead {
  readonly type: 'mediapipe';
  /**
   * Name of the output (1, anchors, width): box centre, box size and keypoints, in input pixels off the anchor. A width of 16 is a
   * face's, of 18 a palm's, of 12 a body's.
   */
  readonly boxes: string;
  /** Name of the output (1, anchors, 1): logits. */
  readonly scores: string;
  /** Pixels from one anchor cell to the next, one entry per layer. */
  readonly strides: readonly number[];
  /** Anchors of one cell of one layer: 1 or 2. */
  readonly anchorsPerCell: number;
}

/** Right and left are the person's own, as in MediaPipe. */
export const faceKeypoints = [
  'right eye',
  'left eye',
  'nose tip',
  'mouth center',
  'right ear tragion',
  'left ear tragion',
] as const;

const palmKeypoints = [
  'wrist',
  'index finger base',
  'middle finger base',
  'ring finger base',
  'little finger base',
  'thumb base',
  'thumb knuckle',
] as const;

/** Of a body the box is the face's; a circle around the first with the second on it encloses it, as the other two the upper half. */
const bodyKeypoints = ['mid hip', 'full body circle', 'mid shoulder', 'upper body circle'] as const;

const kinds: readonly (readonly string[])[] = [faceKeypoints, palmKeypoints, bodyKeypoints];

/** Numbers an anchor has: x, y, width, height and pairs. */
const widthOf = (keypoints: number) => 4 + 2 * keypoints;

export function blazeAnchors(head: MediapipeHead, inputWidth: number, inputHeight: number): Float32Array {
  return ssdAnchors({
    inputWidth,
    inputHeight,
    strides: head.strides,
    aspectRatios: [1],
    interpolatedScaleAspectRatio: head.anchorsPerCell > 1 ? 1 : 0,
    fixedAnchorSize: true,
  });
}

/**
 * @param regressors (1, anchors, 4 + 2 · keypoints) and @param logits (1, anchors, 1), as the network gives them
 * @returns boxes and keypoints in input pixels, of those anchors whose score reaches the threshold
 */
export function decodeBlaze(
  regressors: ArrayLike<number>,
  logits: ArrayLike<number>,
  anchors: Float32Array,
  inputWidth: number,
  inputHeight: number,
  scoreThreshold: number,
  keypointCount: number = faceKeypoints.length,
): Candidates {
  const found = new CandidateList(keypointCount);
  const keypoints: number[] = [];
  for (let i = 0; i < anchors.length / 4; i++) {
    const score = 1 / (1 + Math.exp(-Math.min(Math.max(logits[i], -100), 100)));
    if (!(score >= scoreThreshold)) continue; // NaN too
    const at = i * widthOf(keypointCount);
    const anchorX = anchors[4 * i] * inputWidth;
    const anchorY = anchors[4 * i + 1] * inputHeight;
    const x = anchorX + regressors[at];
    const y = anchorY + regressors[at + 1];
    const width = regressors[at + 2];
    const height = regressors[at + 3];
    for (let k = 0; k < 2 * keypointCount; k += 2) {
      keypoints[k] = anchorX + regressors[at + 4 + k];
      keypoints[k + 1] = anchorY + regressors[at + 5 + k];
    }
    found.add([x - width / 2, y - height / 2, x + width / 2, y + height / 2], score, 0, { keypoints });
  }
  return found.finish();
}

export const mediapipe: HeadType<MediapipeHead> = {
  read(value) {
    const head: MediapipeHead = {
      type: 'mediapipe',
      boxes: text(field(value, 'boxes')),
      scores: text(field(value, 'scores')),
      strides: list(field(value, 'strides'), (stride) => integer(stride, 1, 4096)),
      anchorsPerCell: integer(field(value, 'anchorsPerCell'), 1, 2),
    };
    return head;
  },
  decoder(head, input: Input, outputs) {
    let count = 0; // checked before any anchor is made: the metadata could ask for billions
    for (const stride of head.strides) {
      count += Math.ceil(input.width / stride) * Math.ceil(input.height / stride) * head.anchorsPerCell;
    }
    const boxes = outputNamed(outputs, head.boxes);
    const keypoints = kinds.find(({ length }) => widthOf(length) === boxes.shape.at(-1)) ?? faceKeypoints;
    shapeIs(boxes, [1, count, widthOf(keypoints.length)]);
    shapeIs(outputNamed(outputs, head.scores), [1, count, 1]);
    const anchors = blazeAnchors(head, input.width, input.height);
    const decode: Decoder['decode'] = (tensors, { scoreThreshold }) =>
      decodeBlaze(
        tensors.values(head.boxes),
        tensors.values(head.scores),
        anchors,
        input.width,
        input.height,
        scoreThreshold,
        keypoints.length,
      );
    return { classes: 1, keypoints, suppression: 'weighted', decode };
  },
};
