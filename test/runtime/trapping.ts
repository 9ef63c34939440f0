// A build in which one kernel stops when its first number is 666: what no checked program does, and errors of ours might.
import { readFileSync } from 'node:fs';
import binaryen from 'binaryen';
import type { KernelName } from '../../src/program/kernels.ts';
import type { WasmProvider } from '../../src/runtime/instantiate.ts';

export const trapping = (kernel: KernelName): WasmProvider => {
  const bytes = new Map<string, Uint8Array>();
  return (build) => {
    let wasm = bytes.get(build);
    if (!wasm) bytes.set(build, (wasm = withTrap(build, kernel)));
    return wasm;
  };
};

function withTrap(build: string, kernel: KernelName): Uint8Array {
  const module = binaryen.readBinary(
    readFileSync(new URL(`../../src/hosts/wasm/filigree-${build}.wasm`, import.meta.url)),
  );
  module.setFeatures(binaryen.Features.All & ~binaryen.Features.GC & ~binaryen.Features.ReferenceTypes);
  for (let i = 0; i < module.getNumExports(); i++) {
    const { name, value } = binaryen.getExportInfo(module.getExportByIndex(i));
    if (name !== kernel) continue;
    const { params, results, vars, body } = binaryen.getFunctionInfo(module.getFunction(value));
    const x = module.i32.load(8, 4, module.local.get(0, binaryen.i32));
    const is666 = module.f32.eq(module.f32.load(0, 4, x), module.f32.const(666));
    const changed = module.block(null, [module.if(is666, module.unreachable()), module.copyExpression(body)]);
    module.removeFunction(value);
    module.addFunction(value, params, results, vars, changed);
  }
  if (!module.validate()) throw new Error('no valid wasm');
  const wasm = module.emitBinary();
  module.dispose();
  return wasm;
}
