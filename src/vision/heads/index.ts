// The known detection heads. To add one, add a file with a HeadType and a row here.
import type { Decoder, HeadType } from './head-type.ts';
import type { Input, TensorDescription } from '../fields.ts';
import { centernet, type CenternetHead } from './centernet.ts';
import { endToEnd, type EndToEndHead } from './end-to-end.ts';
import { gfl, type GflHead } from './gfl.ts';
import { mediapipeFace, type MediapipeFaceHead } from './mediapipe-face.ts';
import { ssd, type SsdHead } from './ssd.ts';
import { yoloAnchors, type YoloAnchorsHead } from './yolo-anchors.ts';
import { yolo, type YoloHead } from './yolo.ts';

export type Head = MediapipeFaceHead | YoloHead | YoloAnchorsHead | GflHead | SsdHead | CenternetHead | EndToEndHead;

export const headTypes: { readonly [K in Head['type']]: HeadType<Extract<Head, { type: K }>> } = {
  'mediapipe-face': mediapipeFace,
  yolo,
  'yolo-anchors': yoloAnchors,
  gfl,
  ssd,
  centernet,
  'end-to-end': endToEnd,
};

/** Makes the decoder of any head. */
export function decoderOf(head: Head, input: Input, outputs: readonly TensorDescription[]): Decoder {
  return (headTypes[head.type] as HeadType<Head>).decoder(head, input, outputs);
}
