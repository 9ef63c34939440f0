// Networks that give detections themselves: YOLOv10 (https://arxiv.org/abs/2405.14458) and YOLO26, whose tails keep the best
// anchors and need no suppression, and exports with suppression in the network.
import { CandidateList } from '../candidates.ts';
import { field, oneOf, outputNamed, text } from '../fields.ts';
import type { Decoder, HeadType } from './head-type.ts';
import { rowsOf } from './layout.ts';

export const endToEndBoxes = ['pixels', 'fractions'] as const;

export interface EndToEndHead {
  readonly type: 'end-to-end';
  /** Name of the output (1, detections, 6): xmin, ymin, xmax, ymax, score and class index. */
  readonly output: string;
  /** Unit of the boxes: input pixels, or fractions of the input's width and height. */
  readonly boxes: (typeof endToEndBoxes)[number];
}

export const endToEnd: HeadType<EndToEndHead> = {
  keypoints: [],
  suppression: 'none',
  read: (value) => ({
    type: 'end-to-end',
    output: text(field(value, 'output')),
    boxes: oneOf(field(value, 'boxes'), endToEndBoxes),
  }),
  decoder(head, input, outputs) {
    const rows = rowsOf(outputNamed(outputs, head.output), false, 6);
    const [width, height] = head.boxes === 'fractions' ? [input.width, input.height] : [1, 1];
    const decode: Decoder['decode'] = (tensors, { scoreThreshold }) => {
      const values = tensors.values(head.output);
      const least = Math.fround(scoreThreshold);
      const candidates = new CandidateList();
      for (let i = 0; i < rows.anchors; i++) {
        const [xmin, ymin, xmax, ymax, score, classIndex] = values.subarray(i * rows.width);
        if (!(score >= least)) continue;
        const box = [xmin * width, ymin * height, xmax * width, ymax * height] as const;
        candidates.add(box, score, Math.max(0, Math.round(classIndex)) || 0);
      }
      return candidates.finish();
    };
    return { decode };
  },
};
