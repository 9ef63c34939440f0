// Reduces a wasm build to the kernels that some models need.
import type Binaryen from 'binaryen';
import { FiligreeError } from '../errors.ts';
import { kernels } from '../program/kernels.ts';
import type { KernelName } from '../program/kernels.ts';
import type { Program } from '../program/program.ts';
import { wideKernels } from '../program/wide.ts';

/** Kernels that write inputs in bytes, from tensors and images. */
const inputKernels: readonly KernelName[] = ['i8_from_bytes', 'i8_from_f32'];

/** Kernels that loading and detection use for every model. */
const runtimeKernels: readonly KernelName[] = [
  'f32_copy',
  ...(Object.keys(kernels) as KernelName[]).filter((name) => kernels[name].standalone && !inputKernels.includes(name)),
];

/** Expansions of weights that only some kernels read. */
const expansions: Readonly<Record<string, RegExp>> = {
  expand_winograd: /_winograd_/,
  expand_sixes: /_gemm_/,
  expand_quantised: /^i[48]_linear/,
  expand_blocks: /^i8_/,
};

/**
 * A build's wasm with only the code that these programs run. Loading another model with it fails with an error that names
 * the missing kernel.
 * @param wasm bytes of one of the package's builds, e.g. `filigree/wasm/filigree-simd.wasm`
 * @throws FiligreeError `environment` when the package `binaryen` is not installed; `invalid-argument` when the bytes are
 * not a build of Filigree
 */
export async function trimWasm(wasm: Uint8Array, programs: readonly Program[]): Promise<Uint8Array> {
  const binaryen = await loadBinaryen();
  const used = programs.flatMap(({ steps }) => steps.map(({ kernel }) => kernel));
  const takesBytes = programs.some(({ inputs }) => inputs.some(({ quads }) => quads));
  const ofInputs = takesBytes ? inputKernels : [];
  const needed = new Set<string>([
    ...runtimeKernels,
    ...ofInputs,
    ...used,
    ...used.flatMap((kernel) => wideKernels[kernel] ?? []),
  ]);
  let module: Binaryen.Module;
  try {
    module = binaryen.readBinary(wasm);
  } catch (cause) {
    throw new FiligreeError('invalid-argument', 'trimWasm: wanted the bytes of a wasm build', { cause });
  }
  try {
    const { GC, ReferenceTypes, All } = binaryen.Features;
    module.setFeatures(All & ~GC & ~ReferenceTypes);
    const exported = Array.from({ length: module.getNumExports() }, (_, i) =>
      binaryen.getExportInfo(module.getExportByIndex(i)),
    );
    if (!exported.some(({ name }) => name === 'run')) {
      throw new FiligreeError('invalid-argument', 'trimWasm: the wasm is not a build of Filigree');
    }
    for (const { name, value } of exported) {
      const reader = Object.hasOwn(expansions, name) ? expansions[name] : undefined;
      const isNeeded = reader ? [...needed].some((kernel) => reader.test(kernel)) : needed.has(name);
      if (isNeeded || !(reader || Object.hasOwn(kernels, name))) continue;
      // the program runner still refers to it: a stub replaces it until the optimiser has run
      const { params, results } = binaryen.getFunctionInfo(module.getFunction(value));
      module.removeExport(name);
      module.removeFunction(value);
      module.addFunction(value, params, results, [], module.unreachable());
    }
    binaryen.setOptimizeLevel(2);
    binaryen.setShrinkLevel(1);
    binaryen.setFastMath(false); // NaN and -0 follow IEEE
    module.runPasses(['inlining-optimizing', 'remove-unused-module-elements', 'dce', 'remove-unused-brs', 'vacuum']);
    if (!module.validate()) throw new Error('trimWasm made an invalid module');
    return module.emitBinary();
  } finally {
    module.dispose();
  }
}

async function loadBinaryen(): Promise<typeof Binaryen> {
  try {
    // hidden from bundlers, because few users who compile also trim
    const name = 'binaryen';
    return ((await import(/* @vite-ignore */ /* webpackIgnore: true */ name)) as { default: typeof Binaryen }).default;
  } catch (cause) {
    throw new FiligreeError('environment', 'trimWasm needs the package binaryen: npm install binaryen', {
      cause,
    });
  }
}
