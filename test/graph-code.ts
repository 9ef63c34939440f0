// Prints graphs as code that builds them, for failing random networks.
import type { Graph, Value } from '../src/graph/graph.ts';
import type { Tensor } from '../src/tensor.ts';

/**
 * TypeScript that builds the graph with a GraphBuilder and, where they are given, its inputs. Numbers come out as they are:
 * what runs is the same, but for names of values.
 */
export function graphAsCode(graph: Graph, feeds?: Readonly<Record<string, Tensor>>): string {
  const lines = ['const b = new GraphBuilder();'];
  const names = new Map<string, string>();
  const fresh = (base: string) => {
    const name = `${base}${names.size}`;
    return name;
  };
  const constant = ({ name, shape, data }: Value) => {
    const variable = fresh('c');
    names.set(name, variable);
    lines.push(`const ${variable} = b.constant(${list(shape)}, ${numbers(data as Float32Array)});`);
    return variable;
  };
  const operand = (name: string) => (name === '' ? "''" : (names.get(name) ?? constant(graph.values.get(name)!)));

  for (const { value, dtype, permutation, quantization } of graph.inputs) {
    const options = { ...(dtype === 'float32' ? {} : { dtype }), ...(permutation ? { permutation } : {}) };
    const given = Object.keys(options).length > 0 ? `, ${literal(options)}` : '';
    const variable = fresh('x');
    names.set(value, variable);
    lines.push(`const ${variable} = b.input(${list(graph.values.get(value)!.shape)}${given});`);
    if (quantization) lines.push(`Object.assign(b.graph.inputs.at(-1), { quantization: ${literal(quantization)} });`);
  }
  for (const { op, inputs, outputs, attributes } of graph.nodes) {
    const operands = inputs.map(operand);
    if (outputs.length === 1) {
      const variable = fresh('y');
      lines.push(`const ${variable} = b.node('${op}', ${[literal(attributes), ...operands].join(', ')});`);
      names.set(outputs[0], variable);
    } else {
      const variables = outputs.map((output) => {
        const variable = fresh('y');
        names.set(output, variable);
        return variable;
      });
      const made = `b.nodes('${op}', ${literal(attributes)}, [${operands.join(', ')}], ${outputs.length})`;
      lines.push(`const [${variables.join(', ')}] = ${made};`);
    }
  }
  lines.push(`const graph = b.finish(${graph.outputs.map(({ value }) => operand(value)).join(', ')});`);
  graph.outputs.forEach(({ permutation }, i) => {
    if (permutation) lines.push(`graph.outputs[${i}].permutation = ${list(permutation)};`);
  });
  if (feeds) {
    const tensors = graph.inputs.map(({ name }, i) => {
      const { dtype, shape, data } = feeds[name];
      return `  input${i}: new Tensor('${dtype}', ${list(shape)}, ${numbers(data as Float32Array)}),`;
    });
    lines.push('const feeds = {', ...tensors, '};');
  }
  return lines.join('\n');
}

const list = (values: readonly number[]) => `[${values.join(', ')}]`;

function number(v: number): string {
  if (Object.is(v, -0)) return '-0';
  // shortest decimal that is the same float32
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(v.toPrecision(digits));
    if (Math.fround(short) === Math.fround(v)) return String(short);
  }
  return String(v);
}

function numbers(data: ArrayLike<number>): string {
  const all = Array.from(data);
  const isEven = all.length > 4 && all.every((v) => Object.is(v, all[0]));
  if (isEven) return `new Float32Array(${all.length}).fill(${number(all[0])})`;
  return `[${all.map(number).join(', ')}]`;
}

function literal(value: unknown): string {
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value !== 'object' || value === null) return String(value);
  const entries = Object.entries(value).filter(([, v]) => v !== undefined);
  return entries.length === 0 ? '{}' : `{ ${entries.map(([key, v]) => `${key}: ${literal(v)}`).join(', ')} }`;
}
