// Maps TFLite tensors, which are NHWC, to the graph's values, which are NCHW.
//
// A tensor of rank 4 is a value in NCHW, any other tensor a value in its own order. An operator whose meaning depends on
// NHWC order (RESHAPE, …) works on the transposed value between explicit `transpose` nodes, which a later pass cancels
// in pairs.
import type { Node, Shape } from '../../graph/graph.ts';
import { permuteShape } from '../../graph/permute.ts';
import type { OperatorName } from '../../ops/index.ts';
import { GraphWriter } from '../graph-writer.ts';
import { Constants, tensorTitle } from './constants.ts';
import type { Integers } from './known-integers.ts';
import type { TfliteModel, TfliteOperator, TfliteTensor } from './schema.ts';

/** Axis i of NCHW is axis channelsFirst[i] of NHWC. */
export const channelsFirst = [0, 3, 1, 2] as const;
/** Axis i of NHWC is axis channelsLast[i] of NCHW. */
export const channelsLast = [0, 2, 3, 1] as const;

/** A file's shape in the graph's order: NCHW at rank 4. */
export function graphShape(shape: Shape): number[] {
  return shape.length === 4 ? permuteShape(shape, channelsFirst) : [...shape];
}

/** An axis of a file's tensor → of the graph's value. */
export const graphAxis = (axis: number, rank: number): number => (rank === 4 ? channelsLast[axis] : axis);

/** What SPACE_TO_BATCH_ND made a value of: height and width of blocks, and zeros around x. */
interface BlocksOf {
  x: string;
  sizes: readonly number[];
  before: readonly number[];
  after: readonly number[];
}

interface DetectionEnd {
  operator: TfliteOperator;
  ends: readonly { tensor: TfliteTensor; value: string }[];
  named: (names: readonly string[]) => void;
}

/** The graph under construction, and the value of every tensor of the file. */
export class Translation extends GraphWriter {
  readonly model: TfliteModel;
  readonly constants: Constants;
  /** Value of each computed tensor; NCHW at rank 4. */
  private readonly valueOfTensor = new Map<number, string>();
  /** DENSIFY and DEQUANTIZE of a constant: the tensor that holds the values. */
  private readonly sources = new Map<number, TfliteTensor>();
  /** Integers that the file computes from shapes. */
  private readonly folded = new Map<number, Integers>();
  /** Values that SPACE_TO_BATCH_ND makes; see operators/batch-space.ts. */
  readonly blocksOf = new Map<string, BlocksOf>();
  /** Constants in the graph, by tensor and form. */
  private readonly sharedValues = new Map<string, string>();
  /** The operator that decodes detections, and what it reads; see operators/detection.ts. */
  private detections: DetectionEnd | undefined;

  constructor(model: TfliteModel) {
    super(model.file);
    this.model = model;
    this.constants = new Constants(model);
  }

  /** Whether an operator, or the graph's input list, has made the tensor. */
  isMade(tensor: TfliteTensor): boolean {
    const { index } = tensor;
    if (this.detectionsOf(tensor)) return true;
    return this.valueOfTensor.has(index) || this.sources.has(index) || this.folded.has(index);
  }

  /** Ends the graph before `operator`: `ends` replace its outputs. `named` is called with their names. */
  endInDetections(operator: TfliteOperator, ends: DetectionEnd['ends'], named: DetectionEnd['named']): void {
    if (this.detections)
      this.fail(`operators ${this.detections.operator.index} and ${operator.index} end in detections`);
    this.detections = { operator, ends, named };
  }

  /** The end of the graph that has the tensor among its results. */
  detectionsOf(tensor: TfliteTensor): DetectionEnd | undefined {
    return this.detections?.operator.outputs.includes(tensor.index) ? this.detections : undefined;
  }

  /** The tensor whose stored values this one has, when it is constant. */
  constantSource(tensor: TfliteTensor): TfliteTensor | undefined {
    if (this.valueOfTensor.has(tensor.index) || this.folded.has(tensor.index)) return undefined;
    return this.sources.get(tensor.index) ?? (this.constants.holds(tensor) ? tensor : emptyConstant(tensor));
  }

  setConstant(tensor: TfliteTensor, source: TfliteTensor): void {
    this.sources.set(tensor.index, source);
  }

  setIntegers(tensor: TfliteTensor, integers: Integers): void {
    this.folded.set(tensor.index, integers);
  }

  integersOf(tensor: TfliteTensor): Integers | undefined {
    return this.folded.get(tensor.index);
  }

  setValue(tensor: TfliteTensor, value: string): void {
    this.valueOfTensor.set(tensor.index, value);
  }

  /** The computed value of a tensor; undefined when it is constant or not made yet. */
  computed(tensor: TfliteTensor): string | undefined {
    return this.valueOfTensor.get(tensor.index);
  }

  /** The value made earlier with that key, or a new one. */
  shared(key: string, make: () => string): string {
    const value = this.sharedValues.get(key) ?? make();
    this.sharedValues.set(key, value);
    return value;
  }

  /** Appends a node that a TFLite operator makes; see GraphWriter. */
  emit(origin: TfliteOperator, op: OperatorName, attributes: object, inputs: string[], title: string): Node {
    return this.append(op, attributes, inputs, title, `operator ${origin.index} (${origin.name}) "${title}"`);
  }

  /** Throws when the graph's shape of a tensor is not what the file declares for it. */
  checkShape(tensor: TfliteTensor, shape: Shape, origin: TfliteOperator): void {
    if (tensor.shape.length === 0 || tensor.signature.length > 0 || tensor.shape.includes(-1)) return;
    const declared = graphShape(tensor.shape);
    if (declared.length === shape.length && declared.every((d, i) => d === shape[i])) return;
    const made = shape.length === 4 ? permuteShape(shape, channelsLast) : shape;
    this.fail(
      `operator ${origin.index} (${origin.name}) makes ${tensorTitle(tensor)} of shape [${made}], ` +
        `the file declares [${tensor.shape}]`,
    );
  }
}

/** A tensor without elements needs no data, for example the shape operand of a reshape to a scalar. */
function emptyConstant(tensor: TfliteTensor): TfliteTensor | undefined {
  return tensor.shape.includes(0) ? tensor : undefined;
}
