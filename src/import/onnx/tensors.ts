// Stored tensors → constants: typed fields, raw bytes, half floats, sparse coordinates, data in other files.
import { FiligreeError } from '../../errors.ts';
import { halfToFloat } from '../../formats/half.ts';
import { maxElements } from '../../graph/verify.ts';
import { elementCount } from '../../tensor.ts';
import { maxAxes } from '../graph-writer.ts';
import { type OnnxConstant, emptyNumbers, isNumeric, type NumericType, type Numbers } from './constant.ts';
import type { ElementType, OnnxModel, SparseTensor, OnnxTensor } from './schema.ts';

/** Gives the bytes of a file beside the model, by its path in the model; undefined when there is no such file. */
export type ExternalData = (path: string) => Uint8Array | undefined;

const bitsOf: Record<NumericType, number> = {
  float32: 32,
  float16: 16,
  bfloat16: 16,
  float64: 64,
  int64: 64,
  uint64: 64,
  uint32: 32,
  int32: 32,
  int16: 16,
  uint16: 16,
  int8: 8,
  uint8: 8,
  int4: 4,
  uint4: 4,
  bool: 8,
};

/** Decodes the tensors of one model. Bounds the memory that a small file can expand to. */
export class Tensors {
  private readonly model: OnnxModel;
  private readonly externalData: ExternalData | undefined;
  private readonly files = new Map<string, Uint8Array>();
  private readonly decoded = new Map<OnnxTensor | SparseTensor, OnnxConstant>();
  /** Bytes that constants may still take. */
  private allowance: number;

  constructor(model: OnnxModel, externalData: ExternalData | undefined) {
    this.model = model;
    this.externalData = externalData;
    this.allowance = 2 ** 26 + 64 * model.bytes;
  }

  /** @throws FiligreeError `invalid-model` when shape and data disagree. */
  constant(tensor: OnnxTensor): OnnxConstant {
    return this.once(tensor, () => {
      const { dims: shape, type, title } = tensor;
      this.checkShape(shape, title);
      if (!isNumeric(type)) return this.fail(title, `tensors of type ${type} cannot be read`, 'unsupported');
      return { type, shape, data: this.numbers(tensor, type, elementCount(shape)) };
    });
  }

  /** The tensor in dense form. */
  sparse(tensor: SparseTensor): OnnxConstant {
    return this.once(tensor, () => {
      const { dims: shape } = tensor;
      const { title } = tensor.values;
      this.checkShape(shape, title);
      const values = this.constant(tensor.values);
      const indices = this.constant(tensor.indices);
      const count = values.data.length;
      const isFlat = indices.shape.length === 1;
      const rank = isFlat ? 1 : shape.length;
      if (indices.data.length !== count * rank) {
        this.fail(title, `${count} values at indices of shape [${indices.shape}], the shape is [${shape}]`);
      }
      this.spend(8 * elementCount(shape), title);
      const data = emptyNumbers(values.type as NumericType, elementCount(shape));
      for (let i = 0; i < count; i++) {
        let at = isFlat ? indices.data[i] : 0;
        if (!isFlat) for (let axis = 0; axis < rank; axis++) at = at * shape[axis] + indices.data[i * rank + axis];
        if (!(at >= 0 && at < data.length)) this.fail(title, `value ${i} lies outside shape [${shape}]`);
        data[at] = values.data[i];
      }
      return { type: values.type, shape, data };
    });
  }

  /** Reserves bytes for a constant that is about to be made. @throws FiligreeError when the allowance is used up. */
  spend(bytes: number, title: string): void {
    this.allowance -= bytes;
    if (!(this.allowance >= 0)) this.fail(title, 'the constants up to here are too large for the size of the file');
  }

  private once(tensor: OnnxTensor | SparseTensor, decode: () => OnnxConstant): OnnxConstant {
    const known = this.decoded.get(tensor) ?? decode();
    this.decoded.set(tensor, known);
    return known;
  }

  private checkShape(shape: readonly number[], title: string): void {
    const isPossible = shape.length <= maxAxes && shape.every((d) => Number.isInteger(d) && d >= 0);
    if (isPossible && elementCount(shape) <= maxElements) return;
    this.fail(title, `shape [${shape}] must hold sizes of at most ${maxElements} elements in all`);
  }

  private numbers(tensor: OnnxTensor, type: NumericType, count: number): Numbers {
    const bytes = tensor.external ? this.externalBytes(tensor) : tensor.raw;
    const found = bytes ? bytes.length : listOf(tensor, type).length;
    const wanted = bytes ? Math.ceil((count * bitsOf[type]) / 8) : packedLength(type, count);
    if (found !== wanted) {
      const [has, unit] = bytes ? [`${found} bytes`, 'bytes'] : [`${found} numbers`, 'numbers'];
      this.fail(tensor.title, `has ${has}, shape [${tensor.dims}] of ${type} wants ${wanted} ${unit}`);
    }
    if (!tensor.external) this.spend(8 * count, tensor.title);
    return bytes ? fromBytes(bytes, type, count) : fromList(listOf(tensor, type), type, count);
  }

  private externalBytes({ title, external }: OnnxTensor): Uint8Array {
    const { location = '', offset = '0', length } = external!;
    if (location === '' || /^[/\\]|^[a-zA-Z]:|(^|[/\\])\.\.([/\\]|$)/.test(location)) {
      return this.fail(
        title,
        `its data is said to be in ${JSON.stringify(location)}, which is not a path beside the model`,
      );
    }
    const bytes = this.files.get(location) ?? this.externalData?.(location);
    if (!bytes) {
      const remedy = this.externalData ? 'it was not found' : 'give the option externalData';
      return this.fail(title, `its data is in the file ${JSON.stringify(location)}: ${remedy}`, 'not-found');
    }
    this.files.set(location, bytes);
    const start = Number(offset);
    const end = length === undefined ? bytes.length : start + Number(length);
    if (!(Number.isInteger(start) && Number.isInteger(end) && 0 <= start && start <= end && end <= bytes.length)) {
      const range = `offset ${offset}, length ${length ?? 'to the end'}`;
      return this.fail(
        title,
        `its data (${range}) lies outside the ${bytes.length} bytes of ${JSON.stringify(location)}`,
      );
    }
    return bytes.subarray(start, end);
  }

  private fail(title: string, message: string, code: FiligreeError['code'] = 'invalid-model'): never {
    throw new FiligreeError(code, `${this.model.file}: ${title}: ${message}`);
  }
}

/** The typed field that holds numbers of a type. */
function listOf(tensor: OnnxTensor, type: ElementType): number[] {
  if (type === 'float32') return tensor.floats;
  if (type === 'float64') return tensor.doubles;
  if (type === 'int64') return tensor.int64s;
  return type === 'uint64' || type === 'uint32' ? tensor.uint64s : tensor.int32s;
}

/** Number of entries in the typed field, which holds 4-bit integers in pairs. */
function packedLength(type: NumericType, count: number): number {
  return bitsOf[type] === 4 ? Math.ceil(count / 2) : count;
}

function fromList(list: number[], type: NumericType, count: number): Numbers {
  if (bitsOf[type] === 4) return fromBytes(Uint8Array.from(list), type, count);
  const numbers = emptyNumbers(type, count);
  if (type === 'float16') for (let i = 0; i < count; i++) numbers[i] = halfToFloat(list[i] & 0xffff);
  else if (type === 'bfloat16') fillBrain(numbers, (i) => list[i]);
  else numbers.set(list);
  return numbers;
}

function fromBytes(bytes: Uint8Array, type: NumericType, count: number): Numbers {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const numbers = emptyNumbers(type, count);
  const fill = (read: (i: number) => number) => {
    for (let i = 0; i < count; i++) numbers[i] = read(i);
    return numbers;
  };
  const nibble = (i: number) => (bytes[i >> 1] >> (4 * (i & 1))) & 15;
  switch (type) {
    case 'float16':
      return fill((i) => halfToFloat(view.getUint16(2 * i, true)));
    case 'bfloat16':
      return fillBrain(numbers, (i) => view.getUint16(2 * i, true));
    case 'int64':
      return fill((i) => Number(view.getBigInt64(8 * i, true)));
    case 'uint64':
      return fill((i) => Number(view.getBigUint64(8 * i, true)));
    case 'uint32':
      return fill((i) => view.getUint32(4 * i, true));
    case 'uint4':
      return fill(nibble);
    case 'int4':
      return fill((i) => (nibble(i) ^ 8) - 8);
    default:
      // The bytes are little-endian, like WebAssembly hosts. They are copied because the file's may not be aligned.
      new Uint8Array(numbers.buffer).set(bytes);
      return numbers;
  }
}

/** bfloat16 is the upper half of a float32. */
function fillBrain(numbers: Numbers, bits: (i: number) => number): Numbers {
  const words = new Uint32Array(numbers.buffer);
  for (let i = 0; i < words.length; i++) words[i] = (bits(i) & 0xffff) << 16;
  return numbers;
}
