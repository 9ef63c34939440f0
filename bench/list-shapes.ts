// Prints the layers of a TFLite model in the form of bench/shapes/:
//
//   node scripts/run.mjs bench/list-shapes.ts model.tflite > bench/shapes/name.txt
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { importModel } from '../src/compile.ts';
import type { Graph, Node } from '../src/graph/graph.ts';
import { valueOf } from '../src/graph/graph.ts';
import { optimise } from '../src/passes/index.ts';

interface Attributes {
  groups?: number;
  stride?: readonly number[];
  kernel?: readonly number[];
  blockSize?: number;
  fn?: string;
  mode?: string;
}

/** A node as a line without its count; undefined for views, which cost nothing. */
function line(graph: Graph, node: Node): string | undefined {
  const shape = (name: string) => valueOf(graph, name).shape;
  const [, inputs = 1, height = 1, width = 1] = shape(node.inputs[0]);
  const [, outputs = 1, outHeight = 1] = shape(node.outputs[0]);
  const attributes = node.attributes as Attributes;
  const { groups = 1, stride = [1], kernel = [1], blockSize = 1, fn = node.op, mode } = attributes;
  const row = (op: string, k: number, s: number) => [op, inputs, outputs, height, width, k, s].join(' ');
  switch (node.op) {
    case 'conv2d': {
      const k = shape(node.inputs[1])[2];
      return row(groups === inputs && groups > 1 ? 'depthwise' : 'conv', k, stride[0]);
    }
    case 'maxPool':
    case 'averagePool':
      return row(node.op, kernel[0], stride[0]);
    case 'resize':
      return row(mode === 'nearest' ? 'resizeNearest' : 'resize', Math.round(outHeight / height), 1);
    case 'depthToSpace':
      return row(node.op, blockSize, 1);
    case 'binary':
    case 'unary':
      return row(fn, 1, 1);
    case 'reshape':
      return undefined;
    case 'reduce':
      return `mean ${inputs} ${inputs} ${height} ${width} 1 1`;
    case 'linear': {
      const [rows, columns] = shape(node.inputs[1]);
      return `conv ${columns} ${rows} 1 1 1 1`;
    }
    case 'softmax':
      return `softmax ${inputs} ${inputs} ${height} ${width} 1 1`;
    default:
      return row(node.op, 1, 1);
  }
}

const [file] = process.argv.slice(2);
const graph = importModel(readFileSync(file), basename(file));
optimise(graph);
const counts = new Map<string, number>();
for (const node of graph.nodes) {
  const text = line(graph, node);
  if (text) counts.set(text, (counts.get(text) ?? 0) + 1);
}
console.log('# op inputChannels outputChannels height width kernel stride count; see bench/shapes.ts');
for (const [text, count] of counts) console.log(`${text} ${count}`);
