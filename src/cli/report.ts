// What a program is made of, for `compile` and `inspect`.
import type { Constant, Program } from '../program/program.ts';

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
  /** Bytes of its constants as they are saved. */
  bytes: number;
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
    let bytes = 0;
    let sparse = false;
    for (const index of constants) {
      const buffer = program.buffers[index];
      if (buffer.kind !== 'constant') continue;
      bytes += savedBytes(buffer.constant);
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
      bytes,
    };
  });
}

/** Whether kernels leave out zeros of these weights. */
function skipsZeros(c: Constant): boolean {
  if (c.form === 'i8') return c.values.length < c.rows * c.columns;
  return c.form === 'spmm' || (c.form === 'quantised' && c.counts !== null);
}

function savedBytes(constant: Constant): number {
  let bytes = 0;
  for (const value of Object.values(constant) as unknown[]) if (ArrayBuffer.isView(value)) bytes += value.byteLength;
  return bytes;
}

export interface ProgramReport {
  layers: number;
  sparseLayers: number;
  /** Layers with weights whose kernels multiply by every one. */
  denseLayers: number;
  macs: number;
  effectiveMacs: number;
  /** Bytes that activations take, as planned and without sharing. */
  activationBytes: number;
  activationBytesUnshared: number;
  constantBytes: number;
  notes: string[];
}

export function reportProgram(program: Program, layers: readonly LayerReport[]): ProgramReport {
  const sum = (of: (layer: LayerReport) => number) => layers.reduce((total, layer) => total + of(layer), 0);
  return {
    layers: layers.length,
    sparseLayers: sum(({ sparse }) => Number(sparse)),
    denseLayers: sum(({ sparse, sparsity }) => Number(!sparse && sparsity !== undefined)),
    macs: sum(({ macs }) => macs),
    effectiveMacs: sum(({ effectiveMacs }) => effectiveMacs),
    activationBytes: program.arenaBytes,
    activationBytesUnshared: program.naiveArenaBytes,
    constantBytes: program.buffers.reduce((n, b) => n + (b.kind === 'constant' ? savedBytes(b.constant) : 0), 0),
    notes: program.notes,
  };
}

/** Kernel names of a layer, repeats counted: `f32_pad, 4 × f32_spmm_16x2`. */
export function kernelList(kernels: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const kernel of kernels) counts.set(kernel, (counts.get(kernel) ?? 0) + 1);
  return [...counts].map(([kernel, n]) => (n > 1 ? `${n} × ${kernel}` : kernel)).join(', ') || '–';
}
