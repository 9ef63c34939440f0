// TFLite's sparse encoding of 1×1 convolution weights, as in the published face detector.
import type { DimensionSpec, TensorSpec } from '../../test/import/tflite/writer.ts';

/**
 * (O, 1, 1, I) weights, row-major, as a sparse tensor:
 *
 *   dims      DENSE O, DENSE 1, DENSE 1, CSR I
 *   segments  where each output channel's values begin, O + 1 of them
 *   indices   the input channel of each value
 *   values    the nonzeros, channel by channel
 */
export function encodePointwise(weights: Float32Array, rows: number): TensorSpec {
  const columns = weights.length / rows;
  const segments = [0];
  const indices: number[] = [];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) if (weights[row * columns + column] !== 0) indices.push(column);
    segments.push(indices.length);
  }
  const values = new Float32Array(indices.length);
  for (let row = 0; row < rows; row++) {
    for (let k = segments[row]; k < segments[row + 1]; k++) values[k] = weights[row * columns + indices[k]];
  }
  const dimensions: DimensionSpec[] = [
    { size: rows },
    { size: 1 },
    { size: 1 },
    { segments, indices, segmentWidth: 'int32', width: 'uint16' },
  ];
  return { shape: [rows, 1, 1, columns], data: values, sparsity: { traversalOrder: [0, 1, 2, 3], dimensions } };
}
