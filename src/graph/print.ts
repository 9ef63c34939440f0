// A graph as text, for people: to read, and to compare before and after a pass with any diff.
import type { TensorData } from '../tensor.ts';
import type { Graph, Node, Port, Value } from './graph.ts';
import { valueOf } from './graph.ts';

/**
 * Ports, then nodes in execution order, an attribute or a value a line. A constant shows its dtype, its shape and a hash
 * of its data, so that a changed weight is a changed line.
 */
export function printGraph(graph: Graph): string {
  const blocks = [
    graph.inputs.map((port) => portLine(graph, 'input', port)).join('\n'),
    ...graph.nodes.map((node) => nodeBlock(graph, node)),
    graph.outputs.map((port) => portLine(graph, 'output', port)).join('\n'),
  ];
  return `${blocks.join('\n\n')}\n`;
}

function portLine(graph: Graph, kind: string, { value, name, dtype, permutation, quantization }: Port): string {
  const shown = [
    `${kind} ${name}`,
    dtype,
    permutation && `permutation ${JSON.stringify(permutation)}`,
    quantization && `scale ${quantization.scale} zero point ${quantization.zeroPoint}`,
    `= ${describe(valueOf(graph, value))}`,
  ];
  return shown.filter(Boolean).join('  ');
}

function nodeBlock(graph: Graph, node: Node): string {
  const attributes = Object.entries(node.attributes)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `  ${name} ${attribute(value)}`);
  const inputs = node.inputs.map((name) => `  in   ${name === '' ? '–' : describe(valueOf(graph, name))}`);
  const outputs = node.outputs.map((name) => `  out  ${describe(valueOf(graph, name))}`);
  return [`${node.op} ${node.name}`, ...attributes, ...inputs, ...outputs].join('\n');
}

/** JSON has no infinity, which the bounds of a clamp often are. */
function attribute(value: unknown): string {
  const text = JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'number' && !Number.isFinite(part) ? String(part) : part,
  );
  return text.replaceAll(/"(-?Infinity|NaN)"/g, '$1');
}

function describe({ name, dtype, shape, data }: Value): string {
  return `${name}  ${dtype} [${shape.join(', ')}]${data ? `  #${hash(data)}` : ''}`;
}

const hashes = new WeakMap<TensorData, string>();

/** FNV-1a of the bytes, 8 hexadecimal digits. */
function hash(data: TensorData): string {
  let known = hashes.get(data);
  if (known === undefined) {
    let sum = 0x811c9dc5;
    for (const byte of new Uint8Array(data.buffer, data.byteOffset, data.byteLength)) {
      sum = Math.imul(sum ^ byte, 0x01000193);
    }
    known = (sum >>> 0).toString(16).padStart(8, '0');
    hashes.set(data, known);
  }
  return known;
}
