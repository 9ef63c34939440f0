// The detection heads we know, each loaded when it is used. A new one is a file with a HeadType, and a row here and in head.ts.
import type { Input, TensorDescription } from '../fields.ts';
import type { Head } from './head.ts';
import type { Decoder, HeadType } from './head-type.ts';

/** The code of each head. */
export const headTypes: { readonly [K in Head['type']]: () => Promise<HeadType<Extract<Head, { type: K }>>> } = {
  mediapipe: async () => (await import('./mediapipe.ts')).mediapipe,
  yolo: async () => (await import('./yolo.ts')).yolo,
  'yolo-pose': async () => (await import('./yolo-pose.ts')).yoloPose,
  'yolo-seg': async () => (await import('./yolo-seg.ts')).yoloSeg,
  'yolo-obb': async () => (await import('./yolo-obb.ts')).yoloObb,
  'end-to-end': async () => (await import('./end-to-end.ts')).endToEnd,
  'yolo-anchors': async () => (await import('./yolo-anchors.ts')).yoloAnchors,
  gfl: async () => (await import('./gfl.ts')).gfl,
  ssd: async () => (await import('./ssd.ts')).ssd,
  centernet: async () => (await import('./centernet.ts')).centernet,
  fastestdet: async () => (await import('./yolo-fastest.ts')).fastestDet,
  'yolo-fastest': async () => (await import('./yolo-fastest.ts')).yoloFastest,
  fomo: async () => (await import('./fomo.ts')).fomo,
  movenet: async () => (await import('./movenet.ts')).movenet,
  'prior-boxes': async () => (await import('./prior-boxes.ts')).priorBoxesHead,
  scrfd: async () => (await import('./scrfd.ts')).scrfd,
  'yolo-pose-maps': async () => (await import('./yolo-pose-maps.ts')).yoloPoseMaps,
  yunet: async () => (await import('./yunet.ts')).yunet,
};

/**
 * The decoder of any head, whose metadata is checked.
 * @throws FiligreeError `invalid-model` naming the field that is wrong, or when the outputs are not what the head needs
 */
export async function decoderOf(head: Head, input: Input, outputs: readonly TensorDescription[]): Promise<Decoder> {
  const type = (await headTypes[head.type]()) as HeadType<Head>;
  return type.decoder(type.read({ value: head, path: 'metadata.vision.head' }), input, outputs);
}
