// The head of MediaPipe's face detectors (BlazeFace, https://arxiv.org/abs/1907.05047), as its graphs configure
// TensorsToDetectionsCalculator in mediapipe/modules/face_detection/face_detection_{short,full}_range_common.pbtxt.
import { CandidateList, type Candidates } from '../candidates.ts';
import { field, integer, list, outputNamed, shapeIs, text, type Input } from '../fields.ts';
import { ssdAnchors } from '../ssd-anchors.ts';
import type { Decoder, HeadType } from './head-type.ts';

export interface MediapipeFaceHead {
  readonly type: 'mediapipe-face';
  /** Name of the output (1, anchors, 16): box centre, box size and six keypoints, in input pixels off the anchor. */
  readonly boxes: string;
  /** Name of the output (1, anchors, 1): logits. */
  readonly scores: string;
  /** Pixels from one anchor cell to the next, one entry a layer. */
  readonly strides: readonly number[];
  /** Anchors of one cell of one layer: 1 or 2. */
  readonly anchorsPerCell: number;
}

/** The person's own right and left, as MediaPipe names them. */
export const faceKeypoints = [
  'right eye',
  'left eye',
  'nose tip',
  'mouth center',
  'right ear tragion',
  'left ear tragion',
] as const;

/** Numbers an anchor has: x, y, width, height and six pairs. */
const valuesPerAnchor = 4 + 2 * faceKeypoints.length;

export function faceAnchors(head: MediapipeFaceHead, inputWidth: number, inputHeight: number): Float32Array {
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
 * @param regressors (1, anchors, 16) and @param logits (1, anchors, 1), as the network gives them
 * @returns boxes and keypoints in input pixels, of those anchors whose score reaches the threshold
 */
export function decodeFaces(
  regressors: ArrayLike<number>,
  logits: ArrayLike<number>,
  anchors: Float32Array,
  inputWidth: number,
  inputHeight: number,
  scoreThreshold: number,
): Candidates {
  const faces = new CandidateList(faceKeypoints.length);
  const keypoints: number[] = [];
  for (let i = 0; i < anchors.length / 4; i++) {
    const score = 1 / (1 + Math.exp(-Math.min(Math.max(logits[i], -100), 100)));
    if (!(score >= scoreThreshold)) continue; // NaN too
    const at = i * valuesPerAnchor;
    const anchorX = anchors[4 * i] * inputWidth;
    const anchorY = anchors[4 * i + 1] * inputHeight;
    const x = anchorX + regressors[at];
    const y = anchorY + regressors[at + 1];
    const width = regressors[at + 2];
    const height = regressors[at + 3];
    for (let k = 0; k < 2 * faceKeypoints.length; k += 2) {
      keypoints[k] = anchorX + regressors[at + 4 + k];
      keypoints[k + 1] = anchorY + regressors[at + 5 + k];
    }
    faces.add([x - width / 2, y - height / 2, x + width / 2, y + height / 2], score, 0, { keypoints });
  }
  return faces.finish();
}

export const mediapipeFace: HeadType<MediapipeFaceHead> = {
  read(value) {
    const head: MediapipeFaceHead = {
      type: 'mediapipe-face',
      boxes: text(field(value, 'boxes')),
      scores: text(field(value, 'scores')),
      strides: list(field(value, 'strides'), (stride) => integer(stride, 1, 4096)),
      anchorsPerCell: integer(field(value, 'anchorsPerCell'), 1, 2),
    };
    return head;
  },
  decoder(head, input: Input, outputs) {
    let count = 0; // before any anchor is made: the metadata could ask for billions
    for (const stride of head.strides) {
      count += Math.ceil(input.width / stride) * Math.ceil(input.height / stride) * head.anchorsPerCell;
    }
    shapeIs(outputNamed(outputs, head.boxes), [1, count, valuesPerAnchor]);
    shapeIs(outputNamed(outputs, head.scores), [1, count, 1]);
    const anchors = faceAnchors(head, input.width, input.height);
    const decode: Decoder['decode'] = (tensors, { scoreThreshold }) =>
      decodeFaces(
        tensors.values(head.boxes),
        tensors.values(head.scores),
        anchors,
        input.width,
        input.height,
        scoreThreshold,
      );
    return { classes: 1, keypoints: faceKeypoints, suppression: 'weighted', decode };
  },
};
