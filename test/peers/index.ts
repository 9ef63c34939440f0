// The runtimes that Filigree is compared with, each in a process of its own.
import { execFile, fork } from 'node:child_process';
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
const driverOf = (peer: Peer) => fileURLToPath(new URL(drivers[peer], import.meta.url));

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
    const startedAt = performance.timeOrigin + performance.now();
    await run(node, [driverOf(peer), path.resolve(modelPath), folder, JSON.stringify(options)], { maxBuffer: 2 ** 24 });
    const { firstResultAt, ...result } = JSON.parse(await readFile(path.join(folder, 'result.json'), 'utf8')) as {
      outputs: { name?: string; shape: number[] }[];
      firstResultAt: number;
    } & Omit<PeerResult, 'outputs' | 'msCold'>;
    return { ...result, msCold: firstResultAt - startedAt, outputs: await readOutputs(folder, result.outputs) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function readOutputs(folder: string, described: readonly { name?: string; shape: number[] }[]): Promise<PeerOutput[]> {
  return Promise.all(
    described.map(async (output, k) => {
      const bytes = await readFile(path.join(folder, `output${k}.bin`));
      return { ...output, data: new Float32Array(new Uint8Array(bytes).buffer) };
    }),
  );
}

/** A process with a model, which runs when it is told to. */
export interface PeerInTurns {
  /** Runs so many times; each run's milliseconds of CPU time. */
  run(runs: number): Promise<number[]>;
  /** Ends the process. Returns the outputs of the first run. */
  end(): Promise<PeerOutput[]>;
}

/**
 * Starts a driver as `runPeer` does, so that several can take turns.
 * @param flags of Node
 * @throws Error with the peer's own messages when it fails
 */
export async function startPeer(
  peer: Peer,
  modelPath: string,
  inputs: readonly Float32Array[],
  { node = process.execPath, flags = [] }: { node?: string; flags?: readonly string[] } = {},
): Promise<PeerInTurns> {
  const folder = await mkdtemp(path.join(tmpdir(), 'filigree-peer-'));
  await Promise.all(inputs.map((input, k) => writeFile(path.join(folder, `input${k}.bin`), bytesOf(input))));
  const child = fork(driverOf(peer), [path.resolve(modelPath), folder, JSON.stringify({ turns: true })], {
    execPath: node,
    execArgv: [...flags],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let messages = '';
  child.stderr!.on('data', (text) => (messages += String(text)));
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const failed = exited.then(() => {
    throw new Error(`${peer} ended: ${messages.slice(0, 2000)}`);
  });
  failed.catch(() => undefined);
  const answer = () => Promise.race([failed, new Promise<number[]>((resolve) => child.once('message', resolve))]);
  const clean = () => rm(folder, { recursive: true, force: true });
  try {
    await answer();
  } catch (error) {
    await clean();
    throw error;
  }
  return {
    run(runs) {
      const times = answer();
      child.send(runs);
      return times;
    },
    async end() {
      child.send(0);
      await exited;
      try {
        const { outputs } = JSON.parse(await readFile(path.join(folder, 'result.json'), 'utf8')) as PeerResult;
        return await readOutputs(folder, outputs);
      } finally {
        await clean();
      }
    },
  };
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
