// The runtimes that Filigree is compared with, each in a process of its own.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export type Peer = 'tfjs-tflite' | 'litert' | 'onnxruntime' | 'filigree';

export interface PeerOutput {
  name?: string;
  shape: number[];
  data: Float32Array;
}

export interface PeerResult {
  /** In the order of the model's outputs. */
  outputs: PeerOutput[];
  /** Milliseconds from the start of the process to the first result. */
  msCold: number;
  /** Median and minimum milliseconds of one run, and peak resident memory, when iterations were asked for. */
  msMedian?: number;
  msMinimum?: number;
  megabytes?: number;
}

export interface PeerOptions {
  /** Timed runs after the first. Default 0: none. */
  iterations?: number;
}

const drivers: Record<Peer, string> = {
  'tfjs-tflite': 'tfjs-tflite.cjs',
  litert: 'litert.mjs',
  onnxruntime: 'onnxruntime.mjs',
  filigree: 'filigree.mjs',
};
const run = promisify(execFile);

/**
 * Runs a model with a peer, on one thread: TFLite, or ONNX with onnxruntime, where open dimensions are 1. Inputs are
 * row-major in the file's order, as many numbers as the model's inputs have elements; for integer inputs they are the
 * stored integers. Outputs likewise.
 * @throws Error with the peer's own messages when it fails.
 */
export async function runPeer(
  peer: Peer,
  modelPath: string,
  inputs: readonly Float32Array[],
  { iterations = 0 }: PeerOptions = {},
): Promise<PeerResult> {
  const folder = await mkdtemp(path.join(tmpdir(), 'filigree-peer-'));
  try {
    await Promise.all(inputs.map((input, k) => writeFile(path.join(folder, `input${k}.bin`), bytesOf(input))));
    const driver = fileURLToPath(new URL(drivers[peer], import.meta.url));
    await run(process.execPath, [driver, path.resolve(modelPath), folder, String(iterations)], { maxBuffer: 2 ** 24 });
    const result = JSON.parse(await readFile(path.join(folder, 'result.json'), 'utf8')) as {
      outputs: { name?: string; shape: number[] }[];
    } & Omit<PeerResult, 'outputs'>;
    const outputs = await Promise.all(
      result.outputs.map(async (output, k) => {
        const bytes = await readFile(path.join(folder, `output${k}.bin`));
        return { ...output, data: new Float32Array(new Uint8Array(bytes).buffer) };
      }),
    );
    return { ...result, outputs };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * As runPeer, for many runs of tfjs-tflite in one process.
 * @param runs The inputs of each run.
 * @returns The outputs of each run.
 */
export async function runPeerOnEach(
  modelPath: string,
  runs: readonly (readonly Float32Array[])[],
): Promise<PeerOutput[][]> {
  const joined = runs[0].map((first, k) => {
    const all = new Float32Array(runs.length * first.length);
    runs.forEach((inputs, run) => all.set(inputs[k], run * first.length));
    return all;
  });
  const { outputs } = await runPeer('tfjs-tflite', modelPath, joined);
  return runs.map((_, run) =>
    outputs.map((output) => {
      const length = output.data.length / runs.length;
      return { ...output, data: output.data.subarray(run * length, (run + 1) * length) };
    }),
  );
}

function bytesOf(numbers: Float32Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}
