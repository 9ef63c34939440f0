import type { Limits } from './handler.ts';

/** What GET / answers. */
export const usage = (model: string, { bytes, pixels, ms }: Limits) => `Detections by ${model}.

  curl --data-binary @photo.jpg 'http://…/?score=0.5&max=10'

POST the bytes of a JPEG, PNG or WebP file; get JSON:

  { "detections": [{ "label", "score", "box": { "xmin", "ymin", "xmax", "ymax" }, … }], "image": { "width", "height" }, "ms": { … } }

Boxes are in the photo's pixels, turned as its EXIF orientation says.
  score  least score, up to 1; the model's own threshold holds besides
  max    most detections, best first

At most ${bytes / 1e6} MB, ${pixels / 1e6} megapixels, ${ms / 1000} s. Errors are JSON, { "error": "…" }: 400 a broken photo or query,
408 too slow, 413 too large, 415 no photo.
`;
