// TFLite files → graphs.
import { FiligreeError } from '../../errors.ts';
import type { Graph, Port } from '../../graph/graph.ts';
import { verify } from '../../graph/verify.ts';
import { representableBy } from '../../quantisation.ts';
import { isDType } from '../../tensor.ts';
import { tensorTitle } from './constants.ts';
import { foldIntegers } from './integers.ts';
import { readMetadata } from './metadata.ts';
import { type Problem, unsupportedError } from '../unsupported.ts';
import { Operation, isUnsupported } from './operation.ts';
import { tfliteOperators } from './operators/index.ts';
import { readModel } from './schema.ts';
import type { TfliteModel, TfliteOperator, TfliteTensor } from './schema.ts';
import { Names } from '../names.ts';
import { integersOfInput } from '../positions.ts';
import { channelsLast, graphShape, Translation } from './translation.ts';

/**
 * Reads a TFLite model as a graph: NCHW inside, inputs and outputs as in the file; constants float32 and dense. The
 * file's description of itself is in `metadata.tflite`. Messages begin with `name`, the file's name.
 * @throws FiligreeError `invalid-model` when the file is damaged or contradicts itself, naming the tensor or operator;
 * `unsupported` with a list of every operator that cannot be translated.
 */
export function importTflite(bytes: Uint8Array, name: string): Graph {
  const model = readModel(bytes, name);
  const translation = new Translation(model);
  const { graph } = translation;
  if (model.description !== '') graph.metadata.description = model.description;
  const metadata = readMetadata(model, bytes, graph.notes);
  if (Object.keys(metadata).length > 0) graph.metadata.tflite = metadata;
  checkProducers(model, translation);
  addInputs(model, translation);
  translateOperators(model, translation);
  addOutputs(model, translation);
  addNotes(model, translation);
  verify(graph);
  return graph;
}

/** Checks that every tensor has at most one origin. */
function checkProducers(model: TfliteModel, translation: Translation): void {
  const makers = new Map<number, string>();
  const claim = (index: number, maker: string) => {
    const tensor = model.tensors[index];
    const before = makers.get(index) ?? (translation.constants.holds(tensor) ? 'a constant' : undefined);
    if (before) translation.fail(`${tensorTitle(tensor)} is ${before} and ${maker}`);
    makers.set(index, maker);
  };
  for (const index of model.inputs) claim(index, 'an input of the graph');
  for (const { index, name, outputs } of model.operators) {
    for (const output of outputs) claim(output, `an output of operator ${index} (${name})`);
  }
}

function addInputs(model: TfliteModel, translation: Translation): void {
  const names = new Names();
  for (const index of model.inputs) {
    const tensor = model.tensors[index];
    const shape = inputShape(tensor, translation);
    const value = translation.addValue(tensor.name, { shape: graphShape(shape), dtype: 'float32' });
    translation.setValue(tensor, value);
    const input = port(translation, tensor, value, names, 'input');
    const range = input.quantization ? representableBy(input) : integersOfInput(input.dtype);
    if (range) translation.ranges.set(value, range);
    const { quantization } = input;
    if (quantization) translation.setFileBytes(value, input.dtype, quantization.scale, quantization.zeroPoint);
    translation.graph.inputs.push(input);
  }
}

/** The file's shape, with a batch of 1 where it says −1. */
function inputShape(tensor: TfliteTensor, translation: Translation): number[] {
  const { signature, name } = tensor;
  const shape = tensor.shape.map((d, axis) => (d === -1 && axis === 0 ? 1 : d));
  if (shape.some((d) => d < 1)) {
    const message = `input "${name}" has the shape [${tensor.shape}]; its sizes must be fixed when the model is exported`;
    throw new FiligreeError('unsupported', `${translation.model.file}: ${message}`);
  }
  if (signature.length > 0 || tensor.shape.includes(-1)) {
    const declared = signature.length > 0 ? signature : tensor.shape;
    translation.graph.notes.push(`input "${name}" is declared [${declared}]; it runs as [${shape}]`);
  }
  return shape;
}

function port(translation: Translation, tensor: TfliteTensor, value: string, names: Names, kind: string): Port {
  const { type, quantization } = tensor;
  if (!isDType(type) || (quantization && quantization.scales.length > 1)) {
    const reason = isDType(type) ? 'is quantised per channel' : `is of type ${type}`;
    throw new FiligreeError('unsupported', `${translation.model.file}: ${kind} ${tensorTitle(tensor)} ${reason}`);
  }
  const result: Port = { value, name: names.take(tensor.name), dtype: type };
  if (translation.shapeOf(value).length === 4) result.permutation = channelsLast;
  if (quantization && type !== 'float32') {
    result.quantization = { scale: quantization.scales[0], zeroPoint: quantization.zeroPoints[0] };
  }
  return result;
}

/** Translates all operators. One error lists all that are not supported. */
function translateOperators(model: TfliteModel, translation: Translation): void {
  const problems: Problem[] = [];
  for (const operator of model.operators) {
    const operation = new Operation(translation, operator);
    try {
      checkInputs(model, translation, operator);
      if (!foldIntegers(operation)) {
        const known = tfliteOperators.get(operator.name) ?? operation.unsupported('there is no such operator here');
        known.translate(operation);
      }
      operation.finish();
    } catch (error) {
      if (isUnsupported(error)) {
        const name = `${operator.index} "${operation.title}"`;
        problems.push({ name, operator: operator.name, reason: error.message });
      }
      // Operators after an unsupported one rely on guessed shapes, so that their errors may be false.
      else if (problems.length === 0) throw error;
      standIn(model, translation, operator);
    }
  }
  if (problems.length > 0) throw unsupportedError(model.file, 'operator', problems);
}

/** Every input must be constant, an input of the graph, or made by an earlier operator. */
function checkInputs(model: TfliteModel, translation: Translation, operator: TfliteOperator): void {
  for (const index of operator.inputs) {
    if (index === -1) continue;
    const tensor = model.tensors[index];
    if (tensor.isVariable) throw new FiligreeError('unsupported', `${tensorTitle(tensor)} is a variable`);
    if (translation.detectionsOf(tensor)) {
      throw new FiligreeError('unsupported', `${tensorTitle(tensor)} is what was detected; nothing may follow`);
    }
    if (translation.isMade(tensor) || translation.constantSource(tensor)) continue;
    const reader = `operator ${operator.index} (${operator.name}) reads ${tensorTitle(tensor)}`;
    const maker = model.operators.find((other) => other.outputs.includes(index));
    if (maker) {
      const order =
        maker === operator ? 'which it makes itself' : `which operator ${maker.index} (${maker.name}) makes later`;
      translation.fail(`${reader}, ${order}: the operators form a cycle or are out of order`);
    }
    translation.fail(`${reader}, which is not an input of the graph, holds no data and is not made by any operator`);
  }
}

/** Stands in for the outputs of an unsupported operator, so that translation lists later ones too. */
function standIn(model: TfliteModel, translation: Translation, operator: TfliteOperator): void {
  for (const index of operator.outputs) {
    const tensor = model.tensors[index];
    if (translation.isMade(tensor)) continue;
    const shape = graphShape(tensor.shape.map((d) => Math.max(d, 1)));
    const value = translation.addValue(tensor.name, { shape, dtype: 'float32' });
    // If it stands for integers, they count as exact: the error lists causes, not their consequences.
    translation.ranges.set(value, { low: 0, high: 0 });
    translation.setValue(tensor, value);
  }
}

function addOutputs(model: TfliteModel, translation: Translation): void {
  const names = new Names();
  if (model.outputs.length === 0) translation.fail('the graph has no outputs');
  let ended = false;
  for (const index of model.outputs) {
    const tensor = model.tensors[index];
    const detections = translation.detectionsOf(tensor);
    if (detections) {
      if (!ended) detections.named(detections.ends.map((end) => addEnd(translation, end.tensor, end.value, names)));
      ended = true;
      continue;
    }
    const value = translation.computed(tensor);
    if (value === undefined) {
      if (translation.constantSource(tensor)) {
        throw new FiligreeError('unsupported', `${model.file}: output ${tensorTitle(tensor)} is constant`);
      }
      translation.fail(`output ${tensorTitle(tensor)} is made by no operator`);
    }
    translation.graph.outputs.push(port(translation, tensor, value, names, 'output'));
  }
}

/** Makes an inner tensor of the file an output: float32, whatever its type in the file. */
function addEnd(translation: Translation, tensor: TfliteTensor, value: string, names: Names): string {
  const output = port(translation, { ...tensor, type: 'float32' }, value, names, 'output');
  translation.graph.outputs.push(output);
  return output.name;
}

function addNotes(model: TfliteModel, translation: Translation): void {
  const { notes } = translation.graph;
  const computed = model.operators.flatMap(({ outputs }) => outputs.map((index) => model.tensors[index]));
  const quantised = computed.filter(
    (tensor) => tensor.quantization && tensor.type !== 'float32' && translation.computed(tensor) !== undefined,
  );
  if (quantised.length > 0) {
    const types = [...new Set(quantised.map(({ type }) => type))].join(', ');
    notes.push(
      `activations are quantised in the file (${types}); they run as float32 here, from dequantised weights, ` +
        'so results differ from an integer runtime by its rounding',
    );
  }
  for (const [type, count] of translation.constants.converted) {
    const tensors = count === 1 ? '1 constant tensor is' : `${count} constant tensors are`;
    notes.push(`${tensors} stored as ${type}; ${count === 1 ? 'it is' : 'they are'} dequantised to float32`);
  }
  if (model.subgraphCount > 1) notes.push(`only the first of ${model.subgraphCount} subgraphs is read`);
}
