import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mobilenetV1 } from '../../models/index.ts';
import { writeNpy } from '../../src/formats/npy.ts';
import { exportOnnx, importModel } from '../../src/compile.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { layersOf, weightsOf } from '../../src/prune/layers.ts';
import { maskOf, sparsityOf } from '../../src/prune/patterns/masks.ts';
import { prepared } from '../../src/prune/prepare.ts';
import type { PruningReport } from '../../src/prune/report.ts';
import { readSafetensors } from '../../src/formats/safetensors.ts';
import { loadModel } from '../../src/runtime/load.ts';
import { Tensor } from '../../src/tensor.ts';
import { paint, pngOf } from '../images/pictures.ts';
import { inputsOf } from '../graphs.ts';
import { relativeError } from '../kernels/wasm.ts';
import { runOnnxModels } from '../peers/onnxruntime.ts';
import { commandLine } from './command-line.ts';

let directory: string;
const file = (...parts: string[]) => join(directory, ...parts);
const { filigree, json, refused } = commandLine();

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'filigree-prune-'));
  await writeFile(file('net.onnx'), exportOnnx(mobilenetV1({ width: 0.25, resolution: 64, classes: 10 })));
  await mkdir(file('photos'));
  for (let k = 0; k < 6; k++) {
    const image = paint(48, 40, (x, y) => [(5 * x + 40 * k) & 255, (6 * y) & 255, (x * y * (k + 1)) & 255, 255]);
    await writeFile(file('photos', `${k}.png`), await pngOf(image));
  }
  await writeFile(file('photos', 'labels.csv'), 'image,imagenet_class\n0.png,1\n1.png,2\n2.png,3\n');
});
afterAll(() => rm(directory, { recursive: true }));

const photos = () => ['--calibrate', file('photos'), '--preprocess', 'mobilenet'];

async function graphOf(name: string): Promise<Graph> {
  return prepared(importModel(new Uint8Array(await readFile(file(name))), name));
}

type Report = PruningReport & { output: string };

describe('filigree prune', () => {
  it('writes a network, as ONNX too, its masks and a report', async () => {
    const argv = ['--sparsity', '0.6', '--pattern', 'group2', '--onnx', file('a.onnx'), '--masks-out', file('a.masks')];
    const report = await json<Report>(
      'prune',
      file('net.onnx'),
      '-o',
      file('a.filigree'),
      ...argv,
      '--report',
      file('a.json'),
    );
    expect(report.sparsity).toBeCloseTo(0.6, 2);
    expect(JSON.parse(await readFile(file('a.json'), 'utf8'))).toMatchObject({ layers: report.layers });
    const sparse = await graphOf('a.onnx');
    const { tensors } = readSafetensors(new Uint8Array(await readFile(file('a.masks'))), 'a.masks');
    expect([...tensors.keys()]).toEqual(report.layers.filter(({ pattern }) => pattern).map(({ name }) => name));
    for (const layer of layersOf(sparse)) {
      const mask = tensors.get(layer.name)?.data;
      if (mask) expect(maskOf(weightsOf(sparse, layer))).toEqual(mask);
      else expect(sparsityOf(weightsOf(sparse, layer))).toBe(0);
    }
    const inputs = inputsOf(sparse);
    const model = await loadModel(new Uint8Array(await readFile(file('a.filigree'))));
    const ours = await model.run(inputs);
    model.dispose();
    const [theirs] = await runOnnxModels([{ model: new Uint8Array(await readFile(file('a.onnx'))), inputs }]);
    if (theirs instanceof Error) throw theirs;
    // sums in another order
    expect(relativeError(theirs[0].data, Object.values(ours)[0].data as Float32Array)).toBeLessThan(1e-4);
  });

  it('applies masks to another version of the network, and averages such versions', async () => {
    const tuned = await graphOf('net.onnx');
    for (const { data } of tuned.values.values())
      if (data instanceof Float32Array) data.forEach((w, i) => (data[i] = 1.1 * w));
    await writeFile(file('tuned.onnx'), exportOnnx(tuned));
    const dense = ['prune', file('net.onnx'), '--sparsity', '0.5', '-o'];
    expect((await filigree(...dense, file('b.onnx'), '--masks-out', file('b.masks'))).code).toBe(0);
    const report = await json<Report>('prune', file('tuned.onnx'), '--masks', file('b.masks'), '-o', file('c.onnx'));
    expect(report).toMatchObject({ pattern: 'masks', criterion: 'none', distribution: 'given' });
    const [b, c, net] = await Promise.all(['b.onnx', 'c.onnx', 'tuned.onnx'].map(graphOf));
    for (const layer of layersOf(c)) {
      const mask = weightsOf(b, layer).map((w) => Number(w !== 0));
      expect(weightsOf(c, layer)).toEqual(weightsOf(net, layer).map((w, i) => (mask[i] ? w : 0)));
    }
    expect((await filigree('soup', file('b.onnx'), file('c.onnx'), '-o', file('soup.onnx'))).code).toBe(0);
    const soup = await graphOf('soup.onnx');
    for (const layer of layersOf(soup)) {
      const [wb, wc] = [weightsOf(b, layer), weightsOf(c, layer)];
      expect(weightsOf(soup, layer)).toEqual(wb.map((w, i) => (w + wc[i]) / 2));
    }
    expect(await refused('soup', file('b.onnx'), file('net.onnx'), '-o', file('x.onnx'))).toMatch(
      /b.onnx and .*net.onnx have zeros at different places/,
    );
    expect(existsSync(file('x.onnx'))).toBe(false);
  });

  it('takes groups of weights from files', async () => {
    const [, , layer] = layersOf(await graphOf('net.onnx'));
    const ids = Int32Array.from({ length: layer.rows * layer.columns }, (_, i) => Math.floor(i / layer.columns / 8));
    await writeFile(file('ids.npy'), writeNpy(new Tensor('int32', [layer.rows, layer.columns], ids)));
    const argv = ['--groups', `${layer.name}=${file('ids.npy')}`, '--sparsity', '0.5', '-o', file('groups.onnx')];
    expect(await refused('prune', file('net.onnx'), ...argv)).toMatch(/ids.npy: groups and .* do not fit/);
    await writeFile(file('ids.npy'), writeNpy(new Tensor('int32', [ids.length], ids)));
    const report = await json<Report>('prune', file('net.onnx'), ...argv);
    const outcome = report.layers.find(({ name }) => name === layer.name)!;
    expect(outcome).toMatchObject({ pattern: 'groups', sparsity: { after: 0.5 } });
    const sparse = await graphOf('groups.onnx');
    const zeros = weightsOf(sparse, layer).map((w) => Number(w === 0));
    for (let r = 0; r < layer.rows; r += 8) {
      const rows = zeros.subarray(r * layer.columns, (r + 8) * layer.columns);
      expect(new Set(rows).size).toBe(1);
    }
  });

  it('calibrates on photos, measures times and accuracy', async () => {
    const argv = ['--target-speedup', '1.3', '--measure', '--evaluate', file('photos', 'labels.csv')];
    const report = await json<Report>(
      'prune',
      file('net.onnx'),
      '-o',
      file('d.filigree'),
      ...photos(),
      '--photos',
      '4',
      ...argv,
    );
    expect(report).toMatchObject({ criterion: 'second-order', calibrationImages: 4, target: { speedup: 1.3 } });
    expect(report.predictedMs.before / report.predictedMs.after).toBeGreaterThan(1.29);
    expect(report.outputError).toBeLessThan(1);
    expect(report.measuredMs!.after).toBeGreaterThan(0);
    expect(report.accuracy).toMatchObject({ metric: 'top-1', images: 3 });
    for (const { error, measuredMs } of report.layers.filter(({ pattern }) => pattern)) {
      expect(error).toBeGreaterThan(0);
      expect(measuredMs!.before).toBeGreaterThan(0);
    }
  });

  it('continues after being killed, to the same bytes', async () => {
    const options = ['--sparsity', '0.5', '--distribution', 'erk', ...photos()];
    const argv = (name: string) => {
      return ['prune', file('net.onnx'), '-o', file(name), '--masks-out', file(`${name}.masks`), ...options];
    };
    const checkpoint = file('killed.onnx.checkpoint');
    const root = fileURLToPath(new URL('../../', import.meta.url));
    const script = ['scripts/run.mjs', 'test/cli/killed.ts', checkpoint, ...argv('killed.onnx')];
    const child = spawn(process.execPath, script, { cwd: root });
    await new Promise((resolve) => child.on('exit', resolve));
    expect(child.signalCode).toBe('SIGKILL');
    expect(existsSync(file('killed.onnx'))).toBe(false);
    await copyFile(checkpoint, file('saved'));

    const whole = await json<Report>(...argv('whole.onnx'));
    expect(whole.notes).toEqual([]);
    const resumed = await json<Report>(...argv('killed.onnx'));
    expect(resumed.notes).toEqual([
      expect.stringMatching(/^\d+ layers are from .*killed.onnx.checkpoint, from an unfinished run$/),
    ]);
    for (const end of ['', '.masks']) {
      expect(await readFile(file(`killed.onnx${end}`))).toEqual(await readFile(file(`whole.onnx${end}`)));
    }
    expect(existsSync(checkpoint)).toBe(false);

    await copyFile(file('saved'), checkpoint);
    await truncate(checkpoint, 1000);
    const anew = await json<Report>(...argv('killed.onnx'));
    expect(anew.notes).toEqual([expect.stringMatching(/killed.onnx.checkpoint cannot be used .*: started again/)]);
    expect(await readFile(file('killed.onnx'))).toEqual(await readFile(file('whole.onnx')));
  });

  it('wants one target, and names the flags', async () => {
    const call = (...argv: string[]) => filigree('prune', file('net.onnx'), '-o', file('wrong.filigree'), ...argv);
    const none = await call();
    expect(none.code).toBe(2);
    expect(none.err).toContain(
      'filigree: give a target: --sparsity, --target-latency, --target-speedup, --target-macs, --target-bytes or --masks; ' +
        '--sparsity 0.5 makes half of the weights zero',
    );
    const two = await call('--sparsity', '0.5', '--target-latency', '3ms');
    expect(two.code).toBe(2);
    expect(two.err).toContain('filigree: --sparsity and --target-latency are targets: give one of them');
  });

  it('reports errors in one line', async () => {
    const wrong = (...argv: string[]) => refused('prune', file('net.onnx'), '-o', file('wrong.filigree'), ...argv);
    expect(await wrong('--sparsity', '0.5', '--criterion', 'second-order')).toMatch(
      /needs calibration images.*--calibrate/,
    );
    expect(await wrong('--sparsity', '0.5', '--pattern', 'group7')).toMatch(/unknown pattern "group7"/);
    expect(await wrong('--sparsity', '0.5', '--exclude', 'nothing')).toMatch(/exclude: no layer "nothing"/);
    expect(await wrong('--sparsity', '0.5', '--calibrate', directory)).toMatch(/no photos/);
    expect(await wrong('--sparsity', '0.5', '--calibrate', file('photos'))).toMatch(/--preprocess/);
    expect(await wrong('--masks', file('net.onnx'))).toMatch(/net.onnx: not a safetensors file/);
    expect(await wrong('--sparsity', '0.5', '--report', 'a.pdf')).toMatch(/--report a.pdf: wanted a name that ends in/);
    expect(await wrong('--target-speedup', '50')).toMatch(/speed-up of 50 cannot be reached: the best is \d/);
    expect(await wrong('--target-bytes', '1k')).toMatch(
      /a size of 1000 bytes cannot be reached: the best is \d+ bytes/,
    );
    expect(await wrong('--sparsity', '0.5', '--evaluate', file('photos', '0.png'))).toMatch(/wanted labels as .csv/);
    expect((await filigree('prune', file('net.onnx'), '-o', 'x', '--sparsity', '1')).err).toMatch(
      /from 0, less than 1/,
    );
    expect((await filigree('prune', file('net.onnx'), '-o', 'x', '--target-latency', 'soon')).err).toMatch(/as in 8ms/);
    expect((await readdir(directory)).filter((name) => name.startsWith('wrong'))).toEqual([]);
  });
});
