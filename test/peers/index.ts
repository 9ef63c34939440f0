// The runtimes that Filigree is compared with, each in a process of its own.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** `bare` is Node itself, without a model. */
export type Peer = 'tfjs-tflite' | 'litert' | 'onnxruntime' | 'tfjs-wasm' | 'filigree' | 'bare';

export interface PeerOutput {
  name?: string;
  shape: number[];
  data: Float32Array;
}

export interface PeerResult {
  /** In the order of the model's outputs. */
  outputs: PeerOutput[];
  /** Milliseconds from starting the process to the first result. */
  msCold: number;
  /** When iterations were asked for: median and minimum milliseconds of one run, how many were timed, peak memory. */
  msMedian?: number;
  msMinimum?: number;
  runs?: number;
  megabytes?: number;
}

/** What a driver is told. */
export interface RunOptions {
  /** Maximum timed runs after the first. Default 0. A quarter as many untimed runs precede them. */
  iterations?: number;
  /** The warm-up lasts at least this long; then three runs of it are enough. */
  warmUpMs?: number;
  /** No more runs after this time, but five. */
  timedMs?: number;
  /** Default 1. */
  threads?: number;
}

export interface PeerOptions extends RunOptions {
  /** The Node that runs the driver. Default: this one. */
  node?: string;
}

const drivers: Record<Peer, string> = {
  'tfjs-tflite': 'tfjs-tflite.cjs',
  litert: 'litert.mjs',
  onnxruntime: 'onnxruntime.mjs',
  'tfjs-wasm': 'tfjs-wasm.mjs',
  bare: 'bare.mjs',
  filigree: 'filigree.mjs',
};
const run = promisify(execFile);

/**
 * Runs a model with a peer in a process of its own: TFLite; ONNX with onnxruntime, where open dimensions are 1; an
 * artifact with filigree; what bench/tfjs.ts writes with tfjs-wasm. Inputs are row-major in the file's order, as many
 * numbers as the model's inputs have elements; for integer inputs they are the stored integers. Outputs likewise.
 * @throws Error with the peer's own messages when it fails.
 */
export async function runPeer(
  peer: Peer,
  modelPath: string,
  inputs: readonly Float32Array[],
  { node = process.execPath, ...options }: PeerOptions = {},
): Promise<PeerResult> {
  const folder = await mkdtemp(path.join(tmpdir(), 'filigree-peer-'));
  try {
    await Promise.all(inputs.map((input, k) => writeFile(path.join(folder, `input${k}.bin`), bytesOf(input))));
    const driver = fileURLToPath(new URL(drivers[peer], import.meta.url));
    const startedAt = performance.timeOrigin + performance.now();
    await run(node, [driver, path.resolve(modelPath), folder, JSON.stringify(options)], { maxBuffer: 2 ** 24 });
    const { firstResultAt, ...result } = JSON.parse(await readFile(path.join(folder, 'result.json'), 'utf8')) as {
      outputs: { name?: string; shape: number[] }[];
      firstResultAt: number;
    } & Omit<PeerResult, 'outputs' | 'msCold'>;
    const outputs = await Promise.all(
      result.outputs.map(async (output, k) => {
        const bytes = await readFile(path.join(folder, `output${k}.bin`));
        return { ...output, data: new Float32Array(new Uint8Array(bytes).buffer) };
      }),
    );
    return { ...result, msCold: firstResultAt - startedAt, outputs };
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
