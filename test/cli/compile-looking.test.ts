// `compile --dump-passes` and `compile --explain`: what happens to a graph, and why a layer is done the way it is.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportOnnx, importModel } from '../../src/compile.ts';
import type { Explanation } from '../../src/compile/tuning/explain.ts';
import { printGraph } from '../../src/graph/print.ts';
import { optimise } from '../../src/passes/index.ts';
import { matrixKernels } from '../../src/lower/matrix-kernels.ts';
import { GraphBuilder } from '../graphs.ts';
import { commandLine } from './command-line.ts';

const { filigree, json, refused } = commandLine();

let directory: string;
let model: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'filigree-looking-'));
  model = join(directory, 'model.onnx');
  const builder = new GraphBuilder();
  const pooled = builder.node('reduce', { fn: 'mean', axes: [2, 3], keepDims: true }, builder.input([1, 8, 6, 6]));
  const x = builder.node('unary', { fn: 'silu' }, builder.conv2d('input0', 16, 1));
  const graph = builder.finish(builder.conv2d(x, 4, 3, { groups: 2 }), pooled);
  graph.nodes.forEach((node, i) => (node.name = `layer${i}`));
  await writeFile(model, exportOnnx(graph));
});
afterAll(() => rm(directory, { recursive: true }));

describe('--dump-passes', () => {
  it('writes the graph as imported and after each pass that changed it', async () => {
    const folder = join(directory, 'passes');
    const { passes } = await json<{ passes: string[] }>('compile', model, '--dump-passes', folder);
    expect((await readdir(folder)).toSorted()).toEqual(passes);
    const texts = await Promise.all(passes.map((name) => readFile(join(folder, name), 'utf8')));
    const graph = importModel(await readFile(model), model);
    expect(passes[0]).toBe('000-imported.txt');
    expect(texts[0]).toBe(printGraph(graph));
    const names: string[] = [];
    optimise(graph, { onPass: (name) => void names.push(name) });
    expect(names).toContain('fuseActivations');
    expect(passes.slice(1)).toEqual(names.map((name, i) => `${String(i + 1).padStart(3, '0')}-${name}.txt`));
    expect(texts.at(-1)).toBe(printGraph(graph));
    for (let i = 1; i < texts.length; i++) expect(texts[i]).not.toBe(texts[i - 1]);
  });

  it('takes the place of an earlier dump, and of nothing else', async () => {
    const folder = join(directory, 'again');
    await filigree('compile', model, '--dump-passes', folder);
    const first = await readdir(folder);
    await writeFile(join(folder, '999-fuseActivations.txt'), 'earlier');
    await writeFile(join(folder, 'notes.txt'), 'mine');
    const { code, out } = await filigree('compile', model, '--dump-passes', folder);
    expect(code).toBe(0);
    expect(out).toContain(`passes       ${first.length} graph texts in ${folder}\n`);
    expect((await readdir(folder)).toSorted()).toEqual([...first, 'notes.txt'].toSorted());
  });

  it('leaves the artifact as it is without', async () => {
    const [plain, dumped] = ['plain.filigree', 'dumped.filigree'].map((name) => join(directory, name));
    await filigree('compile', model, '-o', plain);
    await filigree('compile', model, '-o', dumped, '--dump-passes', join(directory, 'beside'));
    expect(await readFile(dumped)).toEqual(await readFile(plain));
  });
});

describe('--explain', () => {
  const quick = ['--budget', '0.01'];

  it('has every candidate with both times, and marks the one taken', async () => {
    const { explanation } = await json<{ explanation: Explanation }>('compile', model, '--explain', 'layer1', ...quick);
    const { layer, candidates, chosen } = explanation;
    expect(layer).toBe('layer1');
    const names = candidates.map(({ name }) => name);
    expect(names.toSorted()).toEqual(
      Object.keys(matrixKernels)
        .filter((name) => /^f32_(gemm|spmm)/.test(name))
        .toSorted(),
    );
    for (const { ms, measuredMs, medianMs } of candidates) {
      expect(ms).toBeGreaterThan(0);
      expect(measuredMs).toBeGreaterThan(0);
      expect(medianMs).toBeGreaterThanOrEqual(measuredMs);
    }
    expect(candidates.map(({ ms }) => ms)).toEqual(candidates.map(({ ms }) => ms).toSorted((a, b) => a - b));
    const compiled = join(directory, 'explained.filigree');
    const { code, out } = await filigree('compile', model, '-o', compiled, '--explain', 'layer1', ...quick);
    expect(code).toBe(0);
    expect(out).toMatch(/\nlayer1\n {3}kernel +weights +predicted ms +measured ms +median ms\n/);
    expect(out.match(/^→ .*$/gm)).toEqual([expect.stringContaining(chosen[0])]);
    const { layers } = await json<{ layers: { name: string; kernels: string[] }[] }>('inspect', compiled);
    expect(layers.find(({ name }) => name === 'layer1')!.kernels).toEqual(chosen);
  });

  it('sums over the groups of a convolution', async () => {
    const { explanation } = await json<{ explanation: Explanation }>('compile', model, '--explain', 'layer3', ...quick);
    expect(explanation.workloadKey).toMatch(/^(.+), \1$/);
    expect(explanation.chosen.length).toBeGreaterThan(0);
  });

  it('says which layers there are to ask about', async () => {
    expect(await refused('compile', model, '--explain', 'layer9', ...quick)).toContain(
      'no layer "layer9"; layers with candidates: layer1, layer3',
    );
    expect(await refused('compile', model, '--explain', 'layer0', ...quick)).toContain(
      'layer "layer0" (reduce): it has only one candidate; layers with candidates: layer1, layer3',
    );
  });
});

it('needs an output file unless it is to look inside only', async () => {
  for (const argv of [['--trim', directory], ['--trim', directory, '--explain', 'layer1'], []]) {
    const { code, err } = await filigree('compile', model, ...argv);
    expect({ argv, code }).toEqual({ argv, code: 2 });
    expect(err).toContain("required option '-o, --output <file>' not specified");
  }
});
