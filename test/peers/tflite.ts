// Many small TFLite models through tfjs-tflite in one process: starting it takes longer than all of them.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { PeerOutput } from './index.ts';

export interface TfliteCase {
  model: Uint8Array;
  /** float32 inputs by name. */
  inputs: Record<string, Float32Array>;
}

const run = promisify(execFile);

/** Each case's outputs, in the model's order; an Error for a model that tfjs-tflite refuses. */
export async function runTfliteModels(cases: readonly TfliteCase[]): Promise<(PeerOutput[] | Error)[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'filigree-tflite-'));
  const file = (name: string) => path.join(folder, name);
  try {
    for (const [k, { model, inputs }] of cases.entries()) {
      await writeFile(file(`${k}.tflite`), model);
      for (const [i, data] of Object.values(inputs).entries()) {
        await writeFile(file(`${k}.${i}.bin`), new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      }
    }
    await writeFile(file('cases.json'), JSON.stringify(cases.map(({ inputs }) => ({ inputs: Object.keys(inputs) }))));
    const driver = path.join(import.meta.dirname, 'tfjs-tflite.cjs');
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
