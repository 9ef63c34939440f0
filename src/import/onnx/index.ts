// ONNX files → graphs.
import { FiligreeError } from '../../errors.ts';
import type { Graph, Port } from '../../graph/graph.ts';
import { maxElements, verify } from '../../graph/verify.ts';
import { elementCount } from '../../tensor.ts';
import { foldArithmetic, foldsConstants } from './arithmetic.ts';
import { maxAxes } from '../graph-writer.ts';
import { type OnnxConstant, floatTypes, isNumeric } from './constant.ts';
import { recogniseGelu } from './gelu.ts';
import { declared, inputShapes, portType, type ShapeOptions } from './inputs.ts';
import { isUnsupported, Operation } from './operation.ts';
import { onnxOperators } from './operators/index.ts';
import { orderNodes } from './order.ts';
import { readModel } from './read.ts';
import { type OnnxModel, type OnnxNode, standardOpset, type ValueInfo } from './schema.ts';
import type { ExternalData } from './tensors.ts';
import { Names } from '../names.ts';
import { integersOfInput } from '../positions.ts';
import { type Computed, nodeName, operatorTitle, Translation } from './translation.ts';
import { type Problem, unsupportedError } from '../unsupported.ts';

export interface OnnxOptions extends ShapeOptions {
  /** Reads a file of weights beside the model, by its path in the model; gives undefined when there is no such file. */
  externalData?: ExternalData;
}

export { looksLikeOnnx } from './recognise.ts';

/**
 * Reads an ONNX model (opsets 7 to 22) as a graph: all sizes fixed, constants float32, shape arithmetic computed.
 * Messages begin with `name`, the file's name.
 * @throws FiligreeError `invalid-model` when the file is damaged or contradicts itself, naming the tensor or node;
 * `invalid-argument` when sizes are open and no option fixes them, saying which; `not-found` for weights in a file that is
 * not there; `unsupported` with a list of every node that cannot be translated.
 */
export function importOnnx(bytes: Uint8Array, name: string, options: OnnxOptions = {}): Graph {
  const model = readModel(bytes, name);
  const opset = standardOpset(model);
  const translation = new Translation(model, opset, options.externalData);
  const { graph } = translation;
  addMetadata(model, graph);
  recogniseGelu(model, translation.tensors);
  const nodes = orderNodes(model, translation);
  addInputs(model, translation, options);
  translateNodes(nodes, translation);
  addOutputs(model, translation);
  addNotes(translation);
  verify(graph);
  return graph;
}

function addMetadata(model: OnnxModel, { metadata }: Graph): void {
  if (model.producer !== '') metadata.producer = model.producer;
  if (model.description !== '') metadata.description = model.description;
  if (model.metadata.length > 0) metadata.onnx = Object.fromEntries(model.metadata);
}

function addInputs(model: OnnxModel, translation: Translation, options: ShapeOptions): void {
  const { graph } = translation;
  const names = new Names();
  // Older files list their weights as inputs too.
  const inputs = model.inputs.filter(({ name }) => !model.initializers.has(name));
  for (const info of inputs) checkTensor(info, 'input', translation);
  const shapes = inputShapes(model, options, graph.notes);
  for (const info of inputs) {
    const shape = shapes.get(info.name)!;
    if (shape.length > maxAxes || elementCount(shape) > maxElements)
      translation.fail(`input "${info.name}" of shape [${shape}] has too many elements`);
    const value = translation.addValue(info.name, { shape, dtype: 'float32' });
    translation.set(info.name, { computed: { value, type: info.type } });
    const input = port(info, value, names, 'input', translation);
    const range = integersOfInput(input.dtype);
    if (range) translation.ranges.set(value, range);
    graph.inputs.push(input);
  }
}

function checkTensor({ name, problem }: ValueInfo, kind: string, translation: Translation): void {
  if (problem) {
    throw new FiligreeError('unsupported', `${translation.model.file}: ${kind} ${JSON.stringify(name)} ${problem}`);
  }
  if (name === '') translation.fail(`an ${kind} has no name`);
}

function port({ name, type }: ValueInfo, value: string, names: Names, kind: string, { model }: Translation): Port {
  const dtype = portType(type);
  if (!dtype) {
    throw new FiligreeError('unsupported', `${model.file}: ${kind} ${JSON.stringify(name)} is of type ${type}`);
  }
  return { value, name: names.take(name), dtype };
}

/** Translates all nodes. One error lists all that are not supported. */
function translateNodes(nodes: readonly OnnxNode[], translation: Translation): void {
  const problems: Problem[] = [];
  for (const node of nodes) {
    const operation = new Operation(translation, node);
    try {
      const isKnown = findHandler(node, translation);
      if (readsMissing(node, translation)) {
        standIn(node, translation);
        continue;
      }
      if (!foldArithmetic(operation)) {
        if (!isKnown) operation.unsupported('it is supported on constants only, but its input is computed');
        else isKnown(operation);
      }
      operation.finish();
    } catch (error) {
      if (isUnsupported(error)) {
        const reason = error.message.replace(`${translation.model.file}: `, '');
        problems.push({ name: nodeName(node), operator: operatorTitle(node), reason });
      }
      // Nodes after an unsupported one rely on shapes that the file claims, so that their errors may be false.
      else if (problems.length === 0) throw error;
      standIn(node, translation);
    }
  }
  if (problems.length > 0) throw unsupportedError(translation.model.file, 'node', problems);
}

/** The handler of a node; undefined when the operator only has a fold of constants. Throws when it has neither. */
function findHandler(node: OnnxNode, translation: Translation) {
  const { domain, op } = node;
  const key = domain === '' ? op : `${domain}.${op}`;
  const operation = new Operation(translation, node);
  if (translation.model.functions.has(`${domain}.${op}`)) {
    operation.unsupported('it is a function that the file defines; export the model with functions inlined');
  }
  const operator = onnxOperators.get(key);
  if (!operator && !(domain === '' && foldsConstants(op))) operation.unsupported('there is no such operator here');
  return operator?.translate;
}

function readsMissing({ inputs }: OnnxNode, translation: Translation): boolean {
  return inputs.some((name) => {
    const known = name === '' ? undefined : translation.find(name);
    return known !== undefined && 'missing' in known;
  });
}

/** Gives the outputs of an unsupported node the shapes that the file records, so that translation lists later ones too. */
function standIn({ outputs }: OnnxNode, translation: Translation): void {
  for (const name of outputs) {
    if (name === '') continue;
    const { shape, type = 'undefined' } = translation.model.values.get(name) ?? {};
    const isFixed =
      shape?.every((d): d is number => typeof d === 'number') && elementCount(shape as number[]) <= maxElements;
    if (isFixed && isNumeric(type)) {
      const value = translation.addValue(name, { shape: shape as number[], dtype: 'float32' });
      // If it stands for integers, they count as exact: the error lists causes, not their consequences.
      translation.ranges.set(value, { low: 0, high: 0 });
      translation.set(name, { computed: { value, type } });
    } else translation.set(name, { missing: true });
  }
}

function addOutputs(model: OnnxModel, translation: Translation): void {
  const names = new Names();
  if (model.outputs.length === 0) translation.fail('the graph has no outputs');
  for (const info of model.outputs) {
    checkTensor(info, 'output', translation);
    const known = translation.find(info.name);
    if (!known) translation.fail(`output "${info.name}" is made by no node`);
    if ('missing' in known) continue;
    const { value, type, quantisation } =
      'computed' in known ? known.computed : constantOutput(known.constant, info, model, translation);
    const result = port(
      { ...info, type: info.type === 'undefined' ? type : info.type },
      value,
      names,
      'output',
      translation,
    );
    if (quantisation && result.dtype !== 'float32') result.quantization = quantisation;
    translation.graph.outputs.push(result);
    const shape = translation.shapeOf(value);
    const isOther =
      info.shape &&
      (info.shape.length !== shape.length || info.shape.some((d, i) => typeof d === 'number' && d !== shape[i]));
    if (isOther)
      translation.graph.notes.push(`output "${info.name}" is declared [${declared(info.shape!)}]; it is [${shape}]`);
  }
}

function constantOutput(
  constant: OnnxConstant,
  { name }: ValueInfo,
  { file }: OnnxModel,
  translation: Translation,
): Computed {
  if (!floatTypes.includes(constant.type) || constant.data.length === 0) {
    const found = `a constant of type ${constant.type} and shape [${constant.shape}]`;
    throw new FiligreeError('unsupported', `${file}: output ${JSON.stringify(name)} is ${found}`);
  }
  return { value: translation.constantValue(constant, name), type: constant.type };
}

function addNotes(translation: Translation): void {
  const { notes } = translation.graph;
  if (translation.hasQuantisedActivations) {
    notes.push(
      'activations are quantised in the file; they run as float32 here, from dequantised weights, ' +
        'so results differ from an integer runtime by its rounding',
    );
  }
  for (const [type, count] of translation.dequantised) {
    const tensors = count === 1 ? '1 constant tensor is' : `${count} constant tensors are`;
    notes.push(`${tensors} stored as ${type}; ${count === 1 ? 'it runs' : 'they run'} as float32`);
  }
}
