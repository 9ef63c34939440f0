// What `inspect --steps` and `inspect --graph` show: records as they lie in memory, and the flow between layers.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readArtifact } from '../../src/artifact/read.ts';
import { writeArtifact } from '../../src/artifact/write.ts';
import { dataFlow } from '../../src/cli/inspect/data-flow.ts';
import type { End } from '../../src/cli/inspect/data-flow.ts';
import { stepRecords } from '../../src/cli/inspect/steps.ts';
import type { StepRecord } from '../../src/cli/inspect/steps.ts';
import { compileGraph, importModel } from '../../src/compile.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { fieldsOf, kernelNames } from '../../src/program/kernels.ts';
import type { Program } from '../../src/program/program.ts';
import { expandProgram, layOut } from '../../src/runtime/expand.ts';
import { instantiate } from '../../src/runtime/instantiate.ts';
import { describeWithData } from '../data.ts';
import { GraphBuilder } from '../graphs.ts';
import { commandLine } from './command-line.ts';

const { filigree, json, refused } = commandLine();

let directory: string;
let file: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'filigree-inspect-'));
  file = join(directory, 'branches.filigree');
  await writeFile(file, writeArtifact(compileGraph(branches())));
});
afterAll(() => rm(directory, { recursive: true }));

/** A stem, two branches (one works in place), their concatenation, and a residual around it. */
function branches(): Graph {
  const builder = new GraphBuilder();
  const stem = builder.conv2d(builder.input([1, 3, 12, 12]), 8, 3, { activation: { fn: 'silu' } });
  const left = builder.conv2d(stem, 8, 1);
  const right = builder.node('unary', { fn: 'sigmoid' }, builder.conv2d(stem, 8, 3));
  const both = builder.node('concat', { axis: 1 }, left, right);
  return builder.finish(builder.conv2d(both, 4, 1), builder.node('unary', { fn: 'tanh' }, stem));
}

function flowNames(program: Program): string[] {
  const name = (end: End) =>
    'layer' in end ? program.layers[end.layer].name : 'input' in end ? `in ${end.input}` : `out ${end.output}`;
  return dataFlow(program).map(({ from, to }) => `${name(from)} → ${name(to)}`);
}

/** The same by the graph: nodes without records are looked through. */
function flowOfGraph(graph: Graph, program: Program): string[] {
  const hasSteps = new Set(program.steps.map(({ layer }) => layer));
  const makers = new Map(graph.nodes.flatMap(({ outputs }, i) => outputs.map((output) => [output, i] as const)));
  const inputs = new Map(graph.inputs.map(({ value, name }) => [value, name]));
  const sources = (value: string): string[] => {
    const input = inputs.get(value);
    if (input !== undefined) return [`in ${input}`];
    const maker = makers.get(value);
    if (maker === undefined) return []; // a constant
    return hasSteps.has(maker) ? [program.layers[maker].name] : graph.nodes[maker].inputs.flatMap(sources);
  };
  const found = new Set<string>();
  graph.nodes.forEach((node, i) => {
    if (!hasSteps.has(i)) return;
    for (const from of node.inputs.flatMap(sources)) found.add(`${from} → ${program.layers[i].name}`);
  });
  for (const { value, name } of graph.outputs) for (const from of sources(value)) found.add(`${from} → out ${name}`);
  return [...found];
}

describe('records', () => {
  it('are those that the runtime writes', async () => {
    const program = compileGraph(branches());
    const records = stepRecords(program);
    const layout = layOut(program);
    const instance = await instantiate(layout.bytes, 'simd');
    expandProgram(program, layout, instance);
    const memory = new DataView(instance.memory.buffer);
    expect(records.length).toBe(program.steps.length);
    expect(records.length).toBeGreaterThan(5);
    for (const { address, kernel, pointers, numbers } of records) {
      expect(kernelNames[memory.getUint32(address, true)]).toBe(kernel);
      const fields = fieldsOf(program.steps[records.findIndex((record) => record.address === address)].kernel);
      const written = Object.fromEntries(
        fields.map(([field, kind], i) => {
          const at = address + 8 + 4 * i;
          if (kind === 'f32') return [field, memory.getFloat32(at, true)];
          return [field, kind === 'i32' ? memory.getInt32(at, true) : memory.getUint32(at, true)];
        }),
      );
      const shown = Object.entries({ ...pointers, ...numbers }).map(([field, value]) => {
        if (typeof value === 'object') return [field, value.address];
        if (field !== 'activation') return [field, Math.fround(Number(value))];
        return [field, { identity: 0, sigmoid: 3, silu: 4, tanh: 7 }[value as string]];
      });
      expect(Object.fromEntries(shown)).toEqual(written);
    }
  });

  it('are printed, and are JSON', async () => {
    const records = stepRecords(readArtifact(await readFile(file), file));
    expect((await json<{ steps: StepRecord[] }>('inspect', file, '--steps')).steps).toEqual(records);
    const { out } = await filigree('inspect', file, '--steps');
    const [last] = records.slice(-1);
    expect(out).toMatch(/^0x[\da-f]{8} {2}records\n0x[\da-f]{8} {2}constants\n0x[\da-f]{8} {2}arena\n/);
    expect(out).toContain(`step ${last.step}  0x${last.address.toString(16).padStart(8, '0')}  ${last.kernel}  `);
    expect(out.match(/^step /gm)?.length).toBe(records.length);
    expect(out).toMatch(/^ {2}weights +0x[\da-f]{8} {2}buffer \d+, (spmm|gemm) 8×27$/m);
    expect(out).toContain('max Infinity  activation silu');
  });
});

describe('the flow between layers', () => {
  it('follows values in place and values written side by side', () => {
    const graph = branches();
    const program = compileGraph(graph);
    const names = flowNames(program);
    expect(names.toSorted()).toEqual(flowOfGraph(graph, program).toSorted());
    const [stem, left, right, last] = graph.nodes.filter(({ op }) => op === 'conv2d').map(({ name }) => name);
    expect(names).toContain(`in input0 → ${stem}`);
    for (const branch of [left, right]) expect(names).toContain(`${stem} → ${branch}`);
    expect(names).toContain(`${last} → out output0`);
    expect(names).not.toContain(`${stem} → ${last}`);
    expect(new Set(names).size).toBe(names.length);
  });

  for (const name of [
    'zoo/ultraface_RFB_320.onnx',
    'zoo/yunet_n_320_320.onnx',
    'zoo/mobilenet_v1_0.25_128_quant.tflite',
    'zoo/coco_ssd_mobilenet_v1_1.0_quant.tflite',
  ]) {
    describeWithData(name, name, (path) => {
      it('is that of the graph', async () => {
        const graph = importModel(await readFile(path), name);
        const program = compileGraph(graph);
        expect(flowNames(program).toSorted()).toEqual(flowOfGraph(graph, program).toSorted());
      });
    });
  }
});

describe('drawings', () => {
  it('are DOT or SVG, by the name of the file', async () => {
    const model = join(directory, 'drawn.filigree');
    const program = compileGraph(branches());
    program.layers[0].name = 'the "first" \\ layer';
    await writeFile(model, writeArtifact(program));
    const dot = join(directory, 'drawn.dot');
    expect(await filigree('inspect', model, '--graph', dot)).toEqual({ code: 0, out: `${model} → ${dot}\n`, err: '' });
    const text = await readFile(dot, 'utf8');
    expect(text).toMatch(/^digraph "test" \{\n/);
    expect(text.match(/ -> /g)?.length).toBe(dataFlow(program).length);
    expect(text).toContain('the \\"first\\" \\\\ layer\\nconv2d 1×8×12×12\\nf32_pad, ');
    const svg = join(directory, 'drawn.SVG');
    await filigree('inspect', model, '--graph', svg);
    const drawn = await readFile(svg, 'utf8');
    expect(drawn).toContain('<svg');
    expect(drawn).toContain('the &quot;first&quot; \\ layer');
    expect(drawn.match(/class="edge"/g)?.length).toBe(dataFlow(program).length);
  });

  it('are refused where they cannot be', async () => {
    const { code, err } = await filigree('inspect', 'model.onnx', '--graph', 'drawn.png');
    expect(code).toBe(2);
    expect(err).toContain('It must end in .dot or .svg.');
    expect(await refused('inspect', file, '--graph', join(directory, 'none', 'a.dot'))).toContain('cannot write');
  });
});
