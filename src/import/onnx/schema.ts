// An ONNX file as plain objects: the part of onnx.proto that inference needs.
import { FiligreeError } from '../../errors.ts';

/** TensorProto.DataType by its number. */
export const elementTypes = [
  'undefined',
  'float32',
  'uint8',
  'int8',
  'uint16',
  'int16',
  'int32',
  'int64',
  'string',
  'bool',
  'float16',
  'float64',
  'uint32',
  'uint64',
  'complex64',
  'complex128',
  'bfloat16',
  'float8e4m3fn',
  'float8e4m3fnuz',
  'float8e5m2',
  'float8e5m2fnuz',
  'uint4',
  'int4',
  'float4e2m1',
] as const;

export type ElementType = (typeof elementTypes)[number];

/** A tensor as it is stored: in `raw` bytes, in lists of numbers, or in another file. */
export interface OnnxTensor {
  name: string;
  /** Its name in messages: `initializer "conv1.weight"`. */
  title: string;
  dims: number[];
  type: ElementType;
  raw?: Uint8Array;
  floats: number[];
  int32s: number[];
  int64s: number[];
  doubles: number[];
  uint64s: number[];
  external?: Record<string, string>;
}

/** Values at positions of a tensor that is 0 elsewhere. */
export interface SparseTensor {
  values: OnnxTensor;
  /** (n) positions in the flattened tensor, or (n, rank) coordinates. */
  indices: OnnxTensor;
  dims: number[];
}

export interface Attribute {
  name: string;
  /** AttributeProto.AttributeType; 0 when the file does not say. */
  type: number;
  float?: number;
  int?: number;
  string?: string;
  tensor?: OnnxTensor;
  sparse?: SparseTensor;
  floats: number[];
  ints: number[];
  strings: string[];
  hasGraph: boolean;
}

export interface OnnxNode {
  index: number;
  name: string;
  domain: string;
  op: string;
  inputs: string[];
  outputs: string[];
  attributes: Map<string, Attribute>;
}

/** A dimension: a number, or the name of a symbol (empty when it has none). */
export type Dimension = number | string;

export interface ValueInfo {
  name: string;
  type: ElementType;
  /** Set when the value is not a tensor: the reason. */
  problem?: string;
  /** Absent when the file does not say. */
  shape?: Dimension[];
}

export interface OnnxModel {
  file: string;
  bytes: number;
  irVersion: number;
  opsets: Map<string, number>;
  producer: string;
  description: string;
  metadata: [string, string][];
  /** Functions that the file defines, as `domain.name`. */
  functions: Set<string>;
  nodes: OnnxNode[];
  initializers: Map<string, OnnxTensor>;
  sparseInitializers: Map<string, SparseTensor>;
  inputs: ValueInfo[];
  outputs: ValueInfo[];
  /** Shapes that the file records for the outputs of nodes. */
  values: Map<string, ValueInfo>;
}

export const oldestOpset = 7;
export const newestOpset = 22;

/** The version of the standard operators. @throws FiligreeError when it is not supported. */
export function standardOpset({ opsets, file }: OnnxModel): number {
  const version = opsets.get('');
  const read = `opsets ${oldestOpset} to ${newestOpset} are read`;
  if (version === undefined) throw new FiligreeError('invalid-model', `${file}: names no opset of ai.onnx; ${read}`);
  if (version < oldestOpset || version > newestOpset) {
    const remedy =
      version > newestOpset ? `export it again with opset ${newestOpset} or lower` : 'convert or export it again';
    throw new FiligreeError('unsupported', `${file}: uses opset ${version} of ai.onnx; ${read}: ${remedy}`);
  }
  return version;
}
