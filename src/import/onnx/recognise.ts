/**
 * Whether bytes look like an ONNX file. The format has no signature, but every exporter writes a protobuf message that
 * begins with the IR version, the producer, the graph or the operator sets.
 */
export function looksLikeOnnx(bytes: Uint8Array): boolean {
  const [tag, next] = bytes;
  if (tag === 0x08) return next > 0 && next < 0x20;
  // A string or message whose length lies inside the file, followed by another known field.
  const isKnown = (t: number) => [0x08, 0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42, 0x72].includes(t);
  return isKnown(tag) && tag !== 0x28 && next < 0x80 && isKnown(bytes[2 + next]);
}
