// Model files as commands take them: compiled, or foreign and compiled on the spot.
import { basename, extname } from 'node:path';
import { FiligreeError } from '../errors.ts';
import type { Program } from '../program/program.ts';
import type { WasmBuild } from '../runtime/probe.ts';
import type { Model } from '../runtime/model.ts';
import { looksLikeOnnx } from '../import/onnx/recognise.ts';
import { readInput } from './files.ts';
import type { Progress } from './io.ts';

/** Loads a .filigree file, or compiles a foreign one in memory. */
export async function openModel(path: string, progress: Progress, build?: WasmBuild): Promise<Model> {
  const { loadModel } = await import('../runtime/load.ts');
  const bytes = await readInput(path);
  if (!isForeign(bytes)) return named(path, () => loadModel(bytes, { build }));
  const program = await compileBytes(bytes, path, progress);
  const { writeArtifact } = await import('../artifact/write.ts');
  return named(path, () => loadModel(writeArtifact(program), { build }));
}

/** The program of a .filigree file, or of a foreign one, compiled. */
export async function readProgram(path: string, progress: Progress): Promise<{ program: Program; bytes: number }> {
  const bytes = await readInput(path);
  if (isForeign(bytes)) return { program: await compileBytes(bytes, path, progress), bytes: bytes.length };
  const { looksLikeArtifact, readArtifact } = await import('../artifact/read.ts');
  if (!looksLikeArtifact(bytes)) {
    throw new FiligreeError(
      'invalid-model',
      `${path}: not a model: neither .filigree, ONNX nor TFLite (${bytes.length} bytes)`,
    );
  }
  return { program: readArtifact(bytes, path), bytes: bytes.length };
}

/** Compiles a foreign model. */
export async function compileBytes(bytes: Uint8Array, path: string, progress: Progress): Promise<Program> {
  progress.show(`compiling ${path}`);
  try {
    const { compileGraph, importModel } = await import('../compile/index.ts');
    const program = compileGraph(importModel(bytes, path)); // errors name the file
    program.name = basename(path, extname(path));
    return program;
  } finally {
    progress.clear();
  }
}

/** TFLite files carry their mark behind the first offset; ONNX files have none, but a form. */
export function isForeign(bytes: Uint8Array): boolean {
  return String.fromCharCode(...bytes.subarray(4, 8)) === 'TFL3' || looksLikeOnnx(bytes);
}

/** Bytes have no name: errors about them get the file's. */
async function named<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof FiligreeError && error.message.startsWith('model: ')) {
      throw new FiligreeError(error.code, path + error.message.slice('model'.length), { cause: error });
    }
    throw error;
  }
}
