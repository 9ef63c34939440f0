// Bytes → the objects of schema.ts. Numbers in `case` are field ids of onnx.proto.
import { Message } from './protobuf.ts';
import {
  type Attribute,
  type Dimension,
  type ElementType,
  elementTypes,
  type OnnxModel,
  type OnnxNode,
} from './schema.ts';
import type { SparseTensor, OnnxTensor, ValueInfo } from './schema.ts';

/** @throws FiligreeError `invalid-model` when the bytes are not an ONNX model. */
export function readModel(bytes: Uint8Array, file: string): OnnxModel {
  const model: OnnxModel = {
    file,
    bytes: bytes.length,
    irVersion: 0,
    opsets: new Map(),
    producer: '',
    description: '',
    metadata: [],
    functions: new Set(),
    nodes: [],
    initializers: new Map(),
    sparseInitializers: new Map(),
    inputs: [],
    outputs: [],
    values: new Map(),
  };
  const message = new Message(bytes, file);
  const producer = ['', ''];
  let hasGraph = false;
  if (bytes.length === 0) message.fail('the file is empty');
  while (message.next()) {
    switch (message.field) {
      case 1:
        model.irVersion = message.int();
        break;
      case 2:
        producer[0] = message.string();
        break;
      case 3:
        producer[1] = message.string();
        break;
      case 6:
        model.description = message.string();
        break;
      case 7:
        if (hasGraph) message.fail('has two graphs');
        hasGraph = true;
        readGraph(message.message('the graph'), model);
        break;
      case 8:
        readOpset(message.message('an operator set'), model);
        break;
      case 14:
        model.metadata.push(readEntry(message.message('a metadata entry')));
        break;
      case 25:
        readFunction(message.message('a function'), model);
        break;
    }
  }
  if (!hasGraph) message.fail('not an ONNX model: it has no graph');
  model.producer = producer.join(' ').trim();
  return model;
}

function readOpset(message: Message, { opsets }: OnnxModel): void {
  let domain = '';
  let version = 0;
  while (message.next()) {
    if (message.field === 1) domain = message.string();
    else if (message.field === 2) version = message.int();
  }
  opsets.set(plainDomain(domain), version);
}

/** The domain, with `ai.onnx` as the empty string. */
function plainDomain(domain: string): string {
  return domain === 'ai.onnx' ? '' : domain;
}

function readFunction(message: Message, { functions }: OnnxModel): void {
  let [name, domain] = ['', ''];
  while (message.next()) {
    if (message.field === 1) name = message.string();
    else if (message.field === 10) domain = message.string();
  }
  functions.add(`${plainDomain(domain)}.${name}`);
}

function readEntry(message: Message): [string, string] {
  const entry: [string, string] = ['', ''];
  while (message.next()) if (message.field === 1 || message.field === 2) entry[message.field - 1] = message.string();
  return entry;
}

function readGraph(message: Message, model: OnnxModel): void {
  while (message.next()) {
    switch (message.field) {
      case 1:
        model.nodes.push(readNode(message.message(`node ${model.nodes.length}`), model.nodes.length));
        break;
      case 5: {
        const tensor = readTensor(message.message(`initializer ${model.initializers.size}`), 'initializer');
        if (model.initializers.has(tensor.name)) message.fail(`two initializers are named "${tensor.name}"`);
        model.initializers.set(tensor.name, tensor);
        break;
      }
      case 11:
        model.inputs.push(readValueInfo(message.message(`input ${model.inputs.length}`)));
        break;
      case 12:
        model.outputs.push(readValueInfo(message.message(`output ${model.outputs.length}`)));
        break;
      case 13: {
        const info = readValueInfo(message.message(`value ${model.values.size}`));
        model.values.set(info.name, info);
        break;
      }
      case 15: {
        const sparse = readSparseTensor(message.message('a sparse initializer'), 'sparse initializer');
        model.sparseInitializers.set(sparse.values.name, sparse);
        break;
      }
    }
  }
}

function readNode(message: Message, index: number): OnnxNode {
  const node: OnnxNode = { index, name: '', domain: '', op: '', inputs: [], outputs: [], attributes: new Map() };
  while (message.next()) {
    switch (message.field) {
      case 1:
        node.inputs.push(message.string());
        break;
      case 2:
        node.outputs.push(message.string());
        break;
      case 3:
        node.name = message.string();
        break;
      case 4:
        node.op = message.string();
        break;
      case 5: {
        const attribute = readAttribute(message.message('an attribute'));
        node.attributes.set(attribute.name, attribute);
        break;
      }
      case 7:
        node.domain = plainDomain(message.string());
        break;
    }
  }
  return node;
}

function readAttribute(message: Message): Attribute {
  const attribute: Attribute = { name: '', type: 0, floats: [], ints: [], strings: [], hasGraph: false };
  while (message.next()) {
    switch (message.field) {
      case 1:
        attribute.name = message.string();
        break;
      case 2:
        attribute.float = message.float();
        break;
      case 3:
        attribute.int = message.int();
        break;
      case 4:
        attribute.string = message.string();
        break;
      case 5:
        attribute.tensor = readTensor(message.message('a tensor'), 'tensor');
        break;
      case 6:
      case 11:
        attribute.hasGraph = true;
        break;
      case 7:
        message.floats(attribute.floats);
        break;
      case 8:
        message.ints(attribute.ints);
        break;
      case 9:
        attribute.strings.push(message.string());
        break;
      case 20:
        attribute.type = message.int();
        break;
      case 22:
        attribute.sparse = readSparseTensor(message.message('a sparse tensor'), 'sparse tensor');
        break;
    }
  }
  return attribute;
}

function readTensor(message: Message, kind: string): OnnxTensor {
  const lists = { floats: [], int32s: [], int64s: [], doubles: [], uint64s: [] };
  const tensor: OnnxTensor = { name: '', title: kind, dims: [], type: 'undefined', ...lists };
  let isExternal = false;
  const external: [string, string][] = [];
  while (message.next()) {
    switch (message.field) {
      case 1:
        message.ints(tensor.dims);
        break;
      case 2:
        tensor.type = elementType(message);
        break;
      case 3:
        message.fail('tensors in segments are not supported');
        break;
      case 4:
        message.floats(tensor.floats);
        break;
      case 5:
        message.ints(tensor.int32s);
        break;
      case 7:
        message.ints(tensor.int64s);
        break;
      case 8:
        tensor.name = message.string();
        tensor.title = `${kind} ${JSON.stringify(tensor.name)}`;
        break;
      case 9:
        tensor.raw = message.bytes();
        break;
      case 10:
        message.doubles(tensor.doubles);
        break;
      case 11:
        message.ints(tensor.uint64s);
        break;
      case 13:
        external.push(readEntry(message.message('external data')));
        break;
      case 14:
        isExternal = message.int() === 1;
        break;
    }
  }
  if (isExternal) tensor.external = Object.fromEntries(external);
  return tensor;
}

function readSparseTensor(message: Message, kind: string): SparseTensor {
  let values: OnnxTensor | undefined;
  let indices: OnnxTensor | undefined;
  const dims: number[] = [];
  while (message.next()) {
    if (message.field === 1) values = readTensor(message.message('its values'), kind);
    else if (message.field === 2) indices = readTensor(message.message('its indices'), 'indices of');
    else if (message.field === 3) message.ints(dims);
  }
  if (!values || !indices) return message.fail('values and indices must be given');
  return { values, indices, dims };
}

function elementType(message: Message): ElementType {
  const code = message.int();
  return elementTypes[code] ?? message.fail(`unknown element type ${code}`);
}

function readValueInfo(message: Message): ValueInfo {
  const info: ValueInfo = { name: '', type: 'undefined' };
  while (message.next()) {
    if (message.field === 1) info.name = message.string();
    else if (message.field === 2) readType(message.message('its type'), info);
  }
  return info;
}

function readType(message: Message, info: ValueInfo): void {
  const kinds: Record<number, string> = { 4: 'a sequence', 5: 'a map', 8: 'a sparse tensor', 9: 'an optional value' };
  while (message.next()) {
    if (kinds[message.field]) info.problem = `is ${kinds[message.field]}`;
    if (message.field !== 1) continue;
    const tensor = message.message('its tensor type');
    while (tensor.next()) {
      if (tensor.field === 1) info.type = elementType(tensor);
      else if (tensor.field === 2) info.shape = readShape(tensor.message('its shape'));
    }
  }
}

function readShape(message: Message): Dimension[] {
  const shape: Dimension[] = [];
  while (message.next()) {
    if (message.field !== 1) continue;
    const dimension = message.message(`dimension ${shape.length}`);
    let size: Dimension = '';
    while (dimension.next()) {
      if (dimension.field === 1) size = dimension.int();
      else if (dimension.field === 2) size = dimension.string();
    }
    // Some exporters write −1 or 0 for "not known".
    if (typeof size === 'number' && size < -1) dimension.fail(`size ${size}`);
    shape.push(size === -1 || size === 0 ? '' : size);
  }
  return shape;
}
