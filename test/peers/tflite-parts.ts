// Parts of TFLite files, for peers that cannot run the whole, and for what lies within.
import { readModel, type TfliteModel } from '../../src/import/tflite/schema.ts';

/** Field numbers of tensorflow/compiler/mlir/lite/schema/schema.fbs. */
const subgraphsOfModel = 2;
const fieldsOfSubgraph = { inputs: 1, outputs: 2, operators: 3 };

/** What is to stay of a file's first subgraph: tensors and operators by their indices, in ascending order. */
export interface Part {
  inputs?: readonly number[];
  outputs?: readonly number[];
  operators?: readonly number[];
}

/** The same file with other inputs and outputs, or fewer operators. */
export function partOf(bytes: Uint8Array, { inputs, outputs, operators }: Part): Uint8Array {
  const start = Math.ceil(bytes.length / 4) * 4;
  const file = new Uint8Array(start + 4 * (2 + (inputs?.length ?? 0) + (outputs?.length ?? 0)));
  file.set(bytes);
  const view = new DataView(file.buffer);
  const target = (at: number) => at + view.getUint32(at, true);
  const field = (table: number, number: number) =>
    table + view.getUint16(table - view.getInt32(table, true) + 4 + 2 * number, true);
  const subgraph = target(target(field(target(0), subgraphsOfModel)) + 4);
  let end = start;
  for (const [name, tensors] of Object.entries({ inputs, outputs })) {
    if (!tensors) continue;
    const at = field(subgraph, fieldsOfSubgraph[name as keyof Part]);
    view.setUint32(at, end - at, true);
    for (const number of [tensors.length, ...tensors]) view.setInt32((end += 4) - 4, number, true);
  }
  if (operators) {
    // Offsets point forwards only: kept entries move to the front of their vector.
    const vector = target(field(subgraph, fieldsOfSubgraph.operators));
    const tables = operators.map((index) => target(vector + 4 + 4 * index));
    view.setUint32(vector, tables.length, true);
    tables.forEach((table, i) => view.setUint32(vector + 4 + 4 * i, table - (vector + 4 + 4 * i), true));
  }
  return file;
}

/**
 * The same file, whose int64 outputs of ArgMax along the last axis are what ArgMax reads; undefined if it has none. Pages of
 * tfjs-tflite show int64 outputs without elements.
 */
export function beforeArgMax(bytes: Uint8Array, name: string): Uint8Array | undefined {
  const model = readModel(bytes, name);
  const outputs = model.outputs.map((index) =>
    model.tensors[index].type === 'int64' ? (readByArgMax(model, index) ?? index) : index,
  );
  return outputs.some((index, i) => index !== model.outputs[i]) ? partOf(bytes, { outputs }) : undefined;
}

/** The tensor whose indices of largest elements, reshaped or not, this one holds. */
function readByArgMax(model: TfliteModel, output: number): number | undefined {
  const operator = model.operators.find(({ outputs }) => outputs.includes(output));
  if (operator?.name === 'RESHAPE') return readByArgMax(model, operator.inputs[0]);
  if (operator?.name !== 'ARG_MAX') return undefined;
  const [input, axis] = operator.inputs.map((index) => model.tensors[index]);
  const [number] = new Int32Array(model.buffers[axis.buffer].slice().buffer);
  return number === -1 || number === input.shape.length - 1 ? input.index : undefined;
}
