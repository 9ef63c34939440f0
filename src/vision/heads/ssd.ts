// Single-shot detectors (https://arxiv.org/abs/1512.02325): boxes in one output, class scores in another.
import { CandidateList } from '../candidates.ts';
import {
  field,
  flag,
  integer,
  invalid,
  isReal,
  list,
  number,
  oneOf,
  outputNamed,
  text,
  type Field,
} from '../fields.ts';
import type { Input, TensorDescription } from '../fields.ts';
import { find } from '../outputs.ts';
import { scoreActivations, type ScoreActivation, type ScoreScan } from '../scan.ts';
import { ssdAnchorCount, ssdAnchors, type SsdAnchorOptions } from '../ssd-anchors.ts';
import type { Decoder, HeadType } from './head-type.ts';

/** Anchors by a rule, as in TensorFlow's object detection API. */
export type SsdAnchorRule = Omit<SsdAnchorOptions, 'inputWidth' | 'inputHeight'>;

/**
 * The meaning of an anchor's four numbers.
 * - `yxhw`, `xywh`: offsets and logarithms of sizes, relative to the anchor and times `scales`.
 * - `yxyx`, `xyxy`: corners as fractions of the input, decoded already.
 */
export const ssdCodings = ['yxhw', 'xywh', 'yxyx', 'xyxy'] as const;

export interface SsdHead {
  readonly type: 'ssd';
  /** Name of the output (1, anchors, 4); it may have more axes of 1. */
  readonly boxes: string;
  /** Name of the output (1, anchors, background + classes). */
  readonly scores: string;
  readonly activation: ScoreActivation;
  /** Background classes in front: 0 or 1. */
  readonly background: number;
  readonly coding: (typeof ssdCodings)[number];
  /** With `yxhw` and `xywh`: factors for the offsets and logarithms of x, y, width and height. */
  readonly scales?: readonly [x: number, y: number, width: number, height: number];
  /** With `yxhw` and `xywh`: a rule, or n × (y centre, x centre, height, width) as base64 of little-endian float32. */
  readonly anchors?: SsdAnchorRule | string;
}

/** float32 numbers as base64 of their little-endian bytes. */
export function floatsToBase64(values: Float32Array): string {
  const view = new DataView(new ArrayBuffer(4 * values.length));
  values.forEach((value, i) => view.setFloat32(4 * i, value, true));
  let bytes = '';
  for (let i = 0; i < view.byteLength; i++) bytes += String.fromCharCode(view.getUint8(i));
  return btoa(bytes);
}

function floatsOf({ value, path }: Field): Float32Array {
  let bytes: string;
  try {
    bytes = atob(text({ value, path }));
  } catch {
    throw invalid(path, 'base64', value);
  }
  const view = new DataView(Uint8Array.from(bytes, (c) => c.charCodeAt(0)).buffer);
  return Float32Array.from({ length: view.byteLength >> 2 }, (_, i) => view.getFloat32(4 * i, true));
}

/** Anchors as n × (x centre, y centre, width, height), fractions of the input. */
function anchorsOf(anchors: SsdAnchorRule | string, input: Input, count: number): Float32Array {
  const path = 'metadata.vision.head.anchors';
  if (typeof anchors === 'string') {
    const listed = floatsOf({ value: anchors, path });
    if (listed.length !== 4 * count) throw invalid(path, `${count} anchors`, listed.length / 4);
    return listed.map((_, i) => listed[i ^ 1]); // y before x, height before width
  }
  const options = { ...anchors, inputWidth: input.width, inputHeight: input.height };
  const made = ssdAnchorCount(options);
  if (made !== count) throw invalid(path, `a rule for ${count} anchors`, made);
  return ssdAnchors(options);
}

function readRule(value: Field): SsdAnchorRule {
  const ratio = (item: Field) => number(item, 0.01, 100);
  const rule: SsdAnchorRule = {
    strides: list(field(value, 'strides'), (stride) => integer(stride, 1, 4096), 16),
    aspectRatios: list(field(value, 'aspectRatios'), ratio, 16),
    interpolatedScaleAspectRatio: number(field(value, 'interpolatedScaleAspectRatio'), 0, 100),
    fixedAnchorSize: flag(field(value, 'fixedAnchorSize')),
    minScale: number(field(value, 'minScale'), 0, 10),
    maxScale: number(field(value, 'maxScale'), 0, 10),
    reduceBoxesInLowestLayer: flag(field(value, 'reduceBoxesInLowestLayer')),
  };
  return rule;
}

function readScales(value: Field): [number, number, number, number] {
  const scales = list(value, (item) => number(item, 0, 1e6), 4);
  if (scales.length !== 4) throw invalid(value.path, 'four numbers', scales);
  return [scales[0], scales[1], scales[2], scales[3]];
}

/** An output with `width` numbers per anchor, ignoring axes of 1. */
function anchorsIn({ name, shape, dtype }: TensorDescription, width?: number): { anchors: number; width: number } {
  const longer = shape.filter((d, axis) => d !== 1 || axis === shape.length - 1);
  const last = shape.at(-1) ?? 0;
  if (longer.length > 2 || !isReal(dtype) || (width !== undefined && last !== width)) {
    throw invalid(
      `metadata.vision.head: output "${name}"`,
      `float32 [1, anchors, ${width ?? 'classes'}]`,
      `${dtype} [${shape.join(', ')}]`,
    );
  }
  return { anchors: longer.length === 2 ? longer[0] : 1, width: last };
}

export const ssd: HeadType<SsdHead> = {
  read(value) {
    const coding = oneOf(field(value, 'coding'), ssdCodings);
    const anchors = field(value, 'anchors');
    return {
      type: 'ssd',
      boxes: text(field(value, 'boxes')),
      scores: text(field(value, 'scores')),
      activation: oneOf(field(value, 'activation'), scoreActivations),
      background: integer(field(value, 'background'), 0, 1),
      coding,
      ...(isOffsets(coding) && {
        scales: readScales(field(value, 'scales')),
        anchors: typeof anchors.value === 'string' ? text(anchors) : readRule(anchors),
      }),
    };
  },
  decoder(head, input, outputs) {
    const { coding, background, activation } = head;
    const { anchors: count } = anchorsIn(outputNamed(outputs, head.boxes), 4);
    const scores = anchorsIn(outputNamed(outputs, head.scores));
    if (scores.anchors !== count || scores.width <= background) {
      const shape = outputNamed(outputs, head.scores).shape;
      throw invalid(`metadata.vision.head: output "${head.scores}"`, `[1, ${count}, classes]`, shape);
    }
    const scan: ScoreScan = {
      output: head.scores,
      anchors: count,
      classes: scores.width,
      background,
      at: 0,
      anchorStep: scores.width,
      classStep: 1,
      activation,
    };
    const anchors = isOffsets(coding) ? anchorsOf(head.anchors!, input, count) : undefined;
    const [scaleX, scaleY, scaleWidth, scaleHeight] = head.scales ?? [1, 1, 1, 1];
    const yFirst = coding.startsWith('y') ? 1 : 0;
    const decode: Decoder['decode'] = (tensors, selection) => {
      const found = find(tensors, scan, selection);
      const values = tensors.values(head.boxes);
      const candidates = new CandidateList();
      for (let i = 0; i < found.length; i++) {
        const at = 4 * found.anchors[i];
        const [a, b] = [values[at + yFirst], values[at + 1 - yFirst]];
        const [c, d] = [values[at + 2 + yFirst], values[at + 3 - yFirst]];
        if (anchors) {
          const width = anchors[at + 2] * input.width;
          const height = anchors[at + 3] * input.height;
          candidates.addCentred(
            anchors[at] * input.width + a * scaleX * width,
            anchors[at + 1] * input.height + b * scaleY * height,
            Math.exp(c * scaleWidth) * width,
            Math.exp(d * scaleHeight) * height,
            found.scores[i],
            found.classes[i],
          );
        } else {
          const box = [a * input.width, b * input.height, c * input.width, d * input.height] as const;
          candidates.add(box, found.scores[i], found.classes[i]);
        }
      }
      return candidates.finish();
    };
    return { classes: scores.width - background, suppression: 'plain', decode };
  },
};

function isOffsets(coding: SsdHead['coding']): boolean {
  return coding === 'yxhw' || coding === 'xywh';
}
