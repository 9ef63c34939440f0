import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readNpy, writeNpy } from '../../src/formats/npy.ts';
import { commandLine, refusal } from './command-line.ts';
import { Tensor } from '../../src/tensor.ts';
import { sparseModel } from './tflite-model.ts';

let directory: string;
beforeAll(async () => void (directory = await mkdtemp(join(tmpdir(), 'filigree-cli-'))));
afterAll(() => rm(directory, { recursive: true }));

const fullRange = 'node_modules/@mediapipe/face_detection/face_detection_full_range_sparse.tflite';

const { filigree, json } = commandLine(() => fullRange);

describe('filigree', () => {
  it('prints help and its version', async () => {
    const help = await filigree('--help');
    expect(help.code).toBe(0);
    for (const command of ['detect', 'run', 'compile', 'prune', 'soup', 'inspect', 'profile']) {
      expect(help.out).toContain(`  ${command} `);
      const { code, out } = await filigree(command, '--help');
      expect(code).toBe(0);
      expect(out).toContain(`Usage: filigree ${command}`);
      expect(out).toContain('--json');
    }
    expect(await filigree('--version')).toMatchObject({ code: 0, out: '1.2.3\n' });
  });

  it('exits with 2 when it is called wrongly, and says how to call it', async () => {
    const nothing = await filigree();
    expect(nothing.code).toBe(2);
    expect(nothing.err).toContain('Usage: filigree');
    const noPhoto = await filigree('detect');
    expect(noPhoto.code).toBe(2);
    expect(noPhoto.err).toContain('Usage: filigree detect [options] PHOTO…');
    for (const argv of [
      ['frobnicate'],
      ['detect', 'a.jpg', '--shout'],
      ['detect', 'a.jpg', '--score-threshold', '1.5'],
      ['detect', 'a.jpg', '--score-threshold', ''],
      ['detect', 'a.jpg', '--max-results', '0'],
      ['detect', 'a.jpg', 'b.jpg', '--save', 'out.png'],
      ['compile', 'a.tflite'],
      ['inspect'],
      ['inspect', 'a', 'b'],
      ['profile', 'a', '--runs', '1.5'],
      ['profile', 'a', '--build', 'fast'],
      ['tune'],
      ['tune', 'a', '--cost-model', 'b'],
      ['tune', 'a'],
      ['tune', 'a', '-o', 'b', '--budget', '0'],
    ]) {
      const { code, out, err } = await filigree(...argv);
      expect({ argv, code, out }).toEqual({ argv, code: 2, out: '' });
      expect(err).toMatch(/^filigree: [^\n]+\n(\(Did you mean [^\n]+\n)?\n?Try "filigree [^\n]*--help".\n$/);
    }
  });
});

describe('a model', () => {
  let tflite: string;
  let compiled: string;
  let tensor: string;
  let costModel: string;
  const numbers = Float32Array.from({ length: 128 }, (_, i) => Math.sin(i + 1));

  beforeAll(async () => {
    [tflite, compiled, tensor, costModel] = ['m.tflite', 'm.filigree', 'x.npy', 'costs.json'].map((name) =>
      join(directory, name),
    );
    await writeFile(tflite, sparseModel());
    await writeFile(tensor, writeNpy(new Tensor('float32', [1, 4, 4, 8], numbers)));
    // single rows, so that NaN stays in its row
    const costs = { f32_spmm_28x1: {}, other: { group: 1, position: 1 } };
    await writeFile(costModel, JSON.stringify({ peak: 1, l1Bytes: 32_768, cacheBytes: 1e6, costs }));
    const report = await json('compile', tflite, '-o', compiled, '--cost-model', costModel);
    expect(report).toMatchObject({ input: tflite, output: compiled, layers: 1, sparseLayers: 1, denseLayers: 0 });
    expect(report).toMatchObject({ macs: 1024, effectiveMacs: 128, outputBytes: (await readFile(compiled)).length });
    // Input and output: 16 pixels of 8 channels each.
    expect(report.activationBytesUnshared).toBeGreaterThanOrEqual(2 * 128 * 4);
  });

  it('is compiled, with a summary of the artifact', async () => {
    const { code, out } = await filigree('compile', tflite, '-o', compiled, '--cost-model', costModel);
    expect(code).toBe(0);
    expect(out).toMatch(/m\.tflite \(\d.* B\) → .*m\.filigree \(\d.*B\) in /);
    expect(out).toContain('1: 1 on sparse kernels, 0 on dense ones');
    expect(out).toContain('87.5 % of 1.02 k skipped');
    expect(out).toContain('without sharing');
  });

  it('is compiled once only', async () => {
    const again = join(directory, 'again.filigree');
    expect(refusal(await filigree('compile', compiled, '-o', again))).toBe(`${compiled}: already compiled`);
  });

  it('is inspected, compiled or not', async () => {
    for (const path of [tflite, compiled]) {
      const report = await json('inspect', path);
      expect(report).toMatchObject({
        file: path,
        inputs: [{ name: 'x', dtype: 'float32', shape: [1, 4, 4, 8] }],
        outputs: [{ name: 'y', dtype: 'float32', shape: [1, 4, 4, 8] }],
        layers: [{ op: 'conv2d', sparsity: 0.875, sparse: true, macs: 1024, effectiveMacs: 128 }],
      });
      const { out } = await filigree('inspect', path);
      expect(out).toContain('input   x  float32 [1, 4, 4, 8]');
      expect(out).toMatch(/conv2d.*f32_spmm.*87\.5 %.*1\.02 k.*128 /);
    }
  });

  it('is run on tensors', async () => {
    const folder = join(directory, 'outputs', 'deep');
    for (const [path, input] of [
      [tflite, tensor],
      [compiled, `x=${tensor}`],
    ]) {
      const report = await json('run', path, '--input', input, '--output-dir', folder);
      expect(report.outputs).toMatchObject([{ name: 'y', shape: [1, 4, 4, 8], file: join(folder, 'y.npy') }]);
      const y = readNpy(await readFile(join(folder, 'y.npy')), 'y.npy');
      await rm(folder, { recursive: true });
      // One product and a sum in float32: two roundings of numbers up to 8.5.
      const worst = Math.max(
        ...Array.from(y.data as Float32Array, (value, i) => {
          const channel = i % 8;
          return Math.abs(value - ((channel + 1) * numbers[i - channel + ((channel + 1) % 8)] + 0.5));
        }),
      );
      expect(worst).toBeLessThan(1e-6);
    }
    expect((await filigree('run', compiled, '-i', tensor)).out).toMatch(/y +float32 \[1, 4, 4, 8\].*\n\d.* ms\n$/);
  });

  it('is tuned, and the encodings stay', async () => {
    const tuned = join(directory, 'tuned.filigree');
    const { layers } = await json<{ layers: { kernel: string }[] }>('tune', tflite, '-o', tuned, '--budget', '0.01');
    const inspected = await json<{ layers: { kernels: string[]; predictedMs: number }[] }>('inspect', tuned);
    expect(inspected.layers.map(({ kernels }) => kernels)).toEqual(layers.map(({ kernel }) => [kernel]));
    for (const { predictedMs } of inspected.layers) expect(predictedMs).toBeGreaterThan(0);
    const { out } = await filigree('tune', tflite, '-o', tuned, '--budget', '0.01');
    expect(out).toMatch(/of 1 layers changed: .* ms → .* ms/);
    expect(refusal(await filigree('tune', compiled, '-o', tuned))).toContain('already compiled');
    expect(refusal(await filigree('tune', join(directory, 'none.onnx'), '-o', tuned))).toContain('no such file');
  });

  it('names outputs that hold NaN', async () => {
    const odd = join(directory, 'odd.npy');
    const values = numbers.slice();
    values[8] = NaN;
    values[17] = values[26] = -Infinity;
    await writeFile(odd, writeNpy(new Tensor('float32', [1, 4, 4, 8], values)));
    const [y] = (await json('run', compiled, '-i', odd)).outputs as Record<string, number>[];
    expect(y).toMatchObject({ nan: 1, infinite: 2 });
    const finite = [...numbers].flatMap((x, i) => ([8, 17, 26].includes(i) ? [] : (((i + 7) % 8) + 1) * x + 0.5));
    expect(y.least).toBeCloseTo(Math.min(...finite), 5); // float32
    expect(y.most).toBeCloseTo(Math.max(...finite), 5);
    expect(y.mean).toBeCloseTo(finite.reduce((sum, value) => sum + value) / 125, 5);
    const { out, err } = await filigree('run', compiled, '-i', odd);
    expect(out).toMatch(/y +float32 \[1, 4, 4, 8\] +-?[\d.]+ +-?[\d.]+ +-?[\d.]+\n/);
    expect(err).toBe('filigree: output "y" has 1 NaN and 2 infinite among 128 values; the table covers the others\n');

    await writeFile(
      odd,
      writeNpy(
        new Tensor(
          'float32',
          [1, 4, 4, 8],
          numbers.map(() => NaN),
        ),
      ),
    );
    const none = { least: null, mean: null, most: null, nan: 128, infinite: 0 };
    expect((await json('run', compiled, '-i', odd)).outputs).toMatchObject([none]);
    expect((await filigree('run', compiled, '-i', odd)).out).toMatch(/ – +– +–\n/);
  });

  it('is profiled', async () => {
    const report = await json('profile', compiled, '--runs', '3', '--build', 'simd');
    expect(report).toMatchObject({
      build: 'simd',
      runs: 3,
      sparseLayers: 1,
      layers: [{ op: 'conv2d', sparsity: 0.875 }],
    });
    const { out } = await filigree('profile', tflite, '--runs', '3');
    expect(out).toContain('1 layers, 1 of them on sparse kernels');
  });

  it('is refused where it does not fit', async () => {
    const wrong = join(directory, 'wrong.npy');
    await writeFile(wrong, writeNpy(new Tensor('float32', [1, 4, 4, 7])));
    expect(refusal(await filigree('run', compiled, '-i', wrong))).toContain('got float32 [1, 4, 4, 7]');
    expect(refusal(await filigree('run', compiled))).toContain('"x" (float32 [1, 4, 4, 8]) is missing');
    expect(refusal(await filigree('run', compiled, '-i', `z=${tensor}`))).toContain('one of the inputs of');
    expect(refusal(await filigree('run', compiled, '-i', tensor, '-i', tensor))).toContain('given twice');
    expect(refusal(await filigree('run', compiled, '-i', tflite))).toContain('m.tflite: not a .npy file');
    expect(refusal(await filigree('detect', 'photo.jpg', '-m', compiled))).toContain(
      'not a detector that Filigree knows',
    );
  });

  it('is refused when it is truncated, at every eighth byte', async () => {
    const broken = join(directory, 'broken');
    for (const [path, whole] of [
      [tflite, await readFile(tflite)],
      [compiled, await readFile(compiled)],
    ] as const) {
      for (let length = 0; length < whole.length; length += 8) {
        await writeFile(broken, whole.subarray(0, length));
        const message = refusal(await filigree('inspect', broken));
        expect(message, `${path} of ${length} bytes`).toContain(broken);
        expect(message).not.toContain('unexpected');
      }
    }
  });

  it('leaves the old file when it cannot be compiled', async () => {
    const out = join(directory, 'kept.filigree');
    await writeFile(out, 'old');
    const broken = join(directory, 'half.tflite');
    await writeFile(broken, (await readFile(tflite)).subarray(0, 400));
    refusal(await filigree('compile', broken, '-o', out));
    expect(await readFile(out, 'utf8')).toBe('old');
    expect((await readdir(directory)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});

describe('bad files', () => {
  it('are named, in one line', async () => {
    const text = join(directory, 'notes.txt');
    await writeFile(text, 'Dear all,\nplease find enclosed\n');
    const empty = join(directory, 'empty');
    await writeFile(empty, '');
    for (const command of ['inspect', 'profile', 'run']) {
      expect(refusal(await filigree(command, '/nowhere/x.filigree'))).toBe(
        '/nowhere/x.filigree: no such file or directory',
      );
      expect(refusal(await filigree(command, text))).toContain(`${text}: not a`);
      expect(refusal(await filigree(command, empty))).toContain(`${empty}: not a`);
      expect(refusal(await filigree(command, directory))).toBe(`${directory}: is a directory`);
    }
    const out = join(directory, 'out.filigree');
    expect(refusal(await filigree('compile', text, '-o', out))).toContain(`${text}: not an ONNX or TFLite model`);
    expect(await readdir(directory)).not.toContain('out.filigree');
  });
});
