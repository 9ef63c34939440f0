// Many small ONNX models through onnxruntime-web in one process: starting it takes longer than all of them.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Tensor } from '../../src/tensor.ts';
import type { PeerOutput } from './index.ts';

export interface OnnxCase {
  model: Uint8Array;
  inputs: Record<string, Tensor>;
  /** Runs the graph without rewriting it. */
  unoptimised?: boolean;
}

const run = promisify(execFile);

/** Each case's outputs, in the model's order, as float32; an Error for a model that onnxruntime refuses. */
export async function runOnnxModels(cases: readonly OnnxCase[]): Promise<(PeerOutput[] | Error)[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'filigree-onnx-'));
  const file = (name: string) => path.join(folder, name);
  try {
    const described = await Promise.all(
      cases.map(async ({ model, inputs, unoptimised }, k) => {
        await writeFile(file(`${k}.onnx`), model);
        const list = Object.entries(inputs);
        await Promise.all(
          list.map(([, { data }], i) =>
            writeFile(file(`${k}.${i}.bin`), new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
          ),
        );
        return { unoptimised, inputs: list.map(([name, { dtype, shape }]) => ({ name, dtype, shape })) };
      }),
    );
    await writeFile(file('cases.json'), JSON.stringify(described));
    const driver = path.join(import.meta.dirname, 'onnxruntime.mjs');
    await run(process.execPath, [driver, '--all', folder], { maxBuffer: 2 ** 26 });
    const results = JSON.parse(await readFile(file('results.json'), 'utf8')) as (
      { error: string } | { outputs: { name: string; shape: number[] }[] }
    )[];
    return await Promise.all(
      results.map(async (result, k) => {
        if ('error' in result) return new Error(result.error);
        return Promise.all(
          result.outputs.map(async (output, i) => {
            const bytes = await readFile(file(`${k}.out.${i}.bin`));
            return { ...output, data: new Float32Array(new Uint8Array(bytes).buffer) };
          }),
        );
      }),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
