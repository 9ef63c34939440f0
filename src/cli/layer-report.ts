// Layers of a program and their sizes, for `compile` and `inspect`.
import type { Constant, Program } from '../program/program.ts';
import { addParts, noParts, savedParts, sumOfParts } from './saved.ts';
import type { SavedParts, SavedType } from './saved.ts';

export interface LayerReport {
  name: string;
  op: string;
  shape: readonly number[];
  kernels: string[];
  /** Zeros over all weights; undefined for layers without weights. */
  sparsity?: number;
  /** Whether its kernels skip zeros. */
  sparse: boolean;
  macs: number;
  effectiveMacs: number;
  /** Bytes of its constants as saved, and by part. */
  bytes: number;
  parts: SavedParts;
  /** Types its weights are saved as; more than one where it has several matrices. Empty without weights. */
  savedAs: SavedType[];
}

export function reportLayers(program: Program): LayerReport[] {
  return program.layers.map((layer, i) => {
    const steps = program.steps.filter((step) => step.layer === i);
    const constants = new Set<number>();
    for (const step of steps) {
      for (const argument of Object.values(step.arguments)) {
        if (typeof argument === 'object' && program.buffers[argument.buffer].kind === 'constant') {
          constants.add(argument.buffer);
        }
      }
    }
    let parts = noParts;
    const savedAs = new Set<SavedType>();
    let sparse = false;
    for (const index of constants) {
      const buffer = program.buffers[index];
      if (buffer.kind !== 'constant') continue;
      const saved = savedParts(buffer.constant);
      parts = addParts(parts, saved.parts);
      if (saved.type) savedAs.add(saved.type);
      sparse ||= skipsZeros(buffer.constant);
    }
    const { name, op, shape, sparsity, macs, effectiveMacs } = layer;
    return {
      name,
      op,
      shape,
      kernels: steps.map(({ kernel }) => kernel),
      sparsity,
      sparse,
      macs,
      effectiveMacs,
      bytes: sumOfParts(parts),
      parts,
      savedAs: [...savedAs],
    };
  });
}

/** Whether kernels skip zeros of these weights. */
function skipsZeros(c: Constant): boolean {
  return c.form === 'spmm' || ((c.form === 'quantised' || c.form === 'blocks') && c.counts !== null);
}

const constantsOf = ({ buffers }: Program): Constant[] =>
  buffers.flatMap((buffer) => (buffer.kind === 'constant' ? [buffer.constant] : []));

/** Bytes of all weights by saved type, with their scales and positions; all else as `other`. */
function bytesByType(program: Program): Partial<Record<SavedType | 'other', number>> {
  const bytes: Partial<Record<SavedType | 'other', number>> = {};
  for (const constant of constantsOf(program)) {
    const { parts, type = 'other' } = savedParts(constant);
    const own = sumOfParts(parts);
    if (own > 0) bytes[type] = (bytes[type] ?? 0) + own;
  }
  return bytes;
}

export interface ProgramReport {
  layers: number;
  sparseLayers: number;
  /** Layers with weights whose kernels multiply by all of them. */
  denseLayers: number;
  macs: number;
  effectiveMacs: number;
  /** Bytes of activations, as planned and without sharing. */
  activationBytes: number;
  activationBytesUnshared: number;
  constantBytes: number;
  /** The same by saved type; `other`: tables. */
  bytesByType: Partial<Record<SavedType | 'other', number>>;
  /** The same by part. */
  parts: SavedParts;
  notes: string[];
}

export function reportProgram(program: Program, layers: readonly LayerReport[]): ProgramReport {
  const sum = (of: (layer: LayerReport) => number) => layers.reduce((total, layer) => total + of(layer), 0);
  const parts = constantsOf(program)
    .map((constant) => savedParts(constant).parts)
    .reduce(addParts, noParts);
  return {
    layers: layers.length,
    sparseLayers: sum(({ sparse }) => Number(sparse)),
    denseLayers: sum(({ sparse, sparsity }) => Number(!sparse && sparsity !== undefined)),
    macs: sum(({ macs }) => macs),
    effectiveMacs: sum(({ effectiveMacs }) => effectiveMacs),
    activationBytes: program.arenaBytes,
    activationBytesUnshared: program.naiveArenaBytes,
    constantBytes: sumOfParts(parts),
    bytesByType: bytesByType(program),
    parts,
    notes: program.notes,
  };
}

/** Kernel names of a layer, with repeats counted: `f32_pad, 4 × f32_spmm_16x2`. */
export function kernelList(kernels: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const kernel of kernels) counts.set(kernel, (counts.get(kernel) ?? 0) + 1);
  return [...counts].map(([kernel, n]) => (n > 1 ? `${n} × ${kernel}` : kernel)).join(', ') || '–';
}
