// Constant tensors as float32 or as integers, decoded from float16, quantised and sparse storage.
import { halfToFloat } from '../../formats/half.ts';
import { FiligreeError } from '../../errors.ts';
import { elementCount } from '../../tensor.ts';
import type { Quantization, TensorType, TfliteModel, TfliteTensor } from './schema.ts';
import { densify } from './sparse.ts';

const stored = {
  float32: Float32Array,
  float16: Uint16Array,
  int32: Int32Array,
  uint8: Uint8Array,
  bool: Uint8Array,
  int16: Int16Array,
  int8: Int8Array,
  uint16: Uint16Array,
  bfloat16: Uint16Array,
  float64: Float64Array,
} as const;

type StoredNumbers = InstanceType<(typeof stored)[keyof typeof stored]>;

const hasArray = (type: TensorType): type is keyof typeof stored => Object.hasOwn(stored, type);

/** Reads the constants of one model, and counts the conversions by stored type. */
export class Constants {
  readonly converted = new Map<TensorType, number>();
  private readonly model: TfliteModel;
  private readonly floatsOf = new Map<string, Float32Array>();
  private bytesMade = 0;

  constructor(model: TfliteModel) {
    this.model = model;
  }

  /** Whether the file holds values for the tensor. A sparse encoding may say that all are 0, and store none. */
  holds(tensor: TfliteTensor): boolean {
    return this.model.buffers[tensor.buffer].length > 0 || tensor.sparsity !== undefined;
  }

  /**
   * The real values, in the file's own axis order. `scales` stands in for a quantised tensor that has none of its own.
   * @throws FiligreeError `invalid-model` when data and shape disagree.
   */
  floats(tensor: TfliteTensor, scales?: Quantization): Float32Array {
    const key = scales ? `${tensor.index} ${scales.scales}` : `${tensor.index}`;
    const known = this.floatsOf.get(key);
    if (known) return known;
    const values = this.real(tensor, tensor.quantization ?? scales);
    this.floatsOf.set(key, values);
    return values;
  }

  /** Integers as they are stored: shapes, axes, indices. */
  integers(tensor: TfliteTensor): number[] {
    if (tensor.type === 'int64') {
      const bytes = this.bytes(tensor, 8);
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      return Array.from({ length: bytes.length / 8 }, (_, i) => Number(view.getBigInt64(8 * i, true)));
    }
    if (!['int32', 'int16', 'uint16', 'int8', 'uint8', 'bool'].includes(tensor.type)) {
      this.fail(tensor, `must hold integers, got ${tensor.type}`);
    }
    return Array.from(this.storedNumbers(tensor));
  }

  private real(tensor: TfliteTensor, quantization: Quantization | undefined): Float32Array {
    const { type } = tensor;
    const numbers = this.storedNumbers(tensor);
    if (type === 'float32') return numbers as Float32Array;
    this.converted.set(type, (this.converted.get(type) ?? 0) + 1);
    this.spend(tensor, numbers.length * 4);
    const reals = new Float32Array(numbers.length);
    if (type === 'float16') {
      for (let i = 0; i < reals.length; i++) reals[i] = halfToFloat(numbers[i]);
    } else if (type === 'bfloat16') {
      const bits = new Uint32Array(reals.buffer);
      for (let i = 0; i < bits.length; i++) bits[i] = numbers[i] << 16;
    } else if (type === 'float64') {
      reals.set(numbers);
    } else if (quantization) {
      dequantise(numbers, quantization, tensor.shape, reals);
    } else {
      this.fail(tensor, `${type} values need a scale to be read as reals`);
    }
    return reals;
  }

  private storedNumbers(tensor: TfliteTensor): StoredNumbers {
    const { type, sparsity, shape } = tensor;
    if (type === 'int64' && !sparsity) return Float64Array.from(this.integers(tensor));
    if (!hasArray(type)) return this.fail(tensor, `constants of type ${type} cannot be read`, 'unsupported');
    const ArrayType = stored[type];
    const bytes = this.bytes(tensor, ArrayType.BYTES_PER_ELEMENT);
    // A copy: the file's bytes may not be aligned.
    const numbers = new ArrayType(Uint8Array.from(bytes).buffer);
    if (!sparsity) return numbers;
    this.spend(tensor, elementCount(shape) * ArrayType.BYTES_PER_ELEMENT);
    try {
      return densify(shape, sparsity, numbers);
    } catch (error) {
      return this.fail(tensor, (error as Error).message);
    }
  }

  private bytes(tensor: TfliteTensor, elementBytes: number): Uint8Array {
    const { buffer, shape, type, sparsity } = tensor;
    const bytes = this.model.buffers[buffer];
    if (shape.some((d) => d < 0)) this.fail(tensor, `a constant of unknown shape [${shape}]`);
    const wanted = elementCount(shape) * elementBytes;
    if (sparsity ? bytes.length % elementBytes !== 0 : bytes.length !== wanted) {
      this.fail(
        tensor,
        `buffer ${buffer} holds ${bytes.length} bytes, shape [${shape}] of ${type} wants ` +
          (sparsity ? `a multiple of ${elementBytes}` : `${wanted}`),
      );
    }
    this.spend(tensor, bytes.length);
    return bytes;
  }

  /** Tensors may share a buffer, so their expanded size is bounded here, not by the file's size. */
  private spend(tensor: TfliteTensor, bytes: number): void {
    this.bytesMade += bytes;
    if (!(this.bytesMade <= 2 ** 26 + 64 * this.model.bytes)) {
      this.fail(tensor, 'the constants up to here are too large for the size of the file');
    }
  }

  private fail(tensor: TfliteTensor, message: string, code: 'invalid-model' | 'unsupported' = 'invalid-model'): never {
    throw new FiligreeError(code, `${this.model.file}: ${tensorTitle(tensor)}: ${message}`);
  }
}

/** `tensor 12 "conv2d/Kernel"`, the name of a tensor in messages. */
export function tensorTitle(tensor: TfliteTensor): string {
  return `tensor ${tensor.index} ${JSON.stringify(tensor.name)}`;
}

function dequantise(
  stored: StoredNumbers,
  { scales, zeroPoints, axis }: Quantization,
  shape: readonly number[],
  reals: Float32Array,
): void {
  if (scales.length === 1) {
    for (let i = 0; i < reals.length; i++) reals[i] = scales[0] * (stored[i] - zeroPoints[0]);
    return;
  }
  // One scale for each index along the axis, for runs of `inner` elements.
  const inner = elementCount(shape.slice(axis + 1));
  for (let start = 0, run = 0; start < reals.length; start += inner, run++) {
    const channel = run % scales.length;
    const zeroPoint = zeroPoints.length === 1 ? zeroPoints[0] : zeroPoints[channel];
    for (let i = start; i < start + inner; i++) reals[i] = scales[channel] * (stored[i] - zeroPoint);
  }
}
