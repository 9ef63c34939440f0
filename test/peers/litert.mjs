// Runs a TFLite model with LiteRT.js, single-threaded, in Node. Usage: see exchange.cjs.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import vm from 'node:vm';

const require = createRequire(import.meta.url);
const { modelPath, readInput, time, writeResult } = require('./exchange.cjs');
// LiteRT.js goes on after errors that it prints, and gives garbage.
for (const level of ['error', 'warn', 'log']) {
  const print = console[level];
  console[level] = (...parts) => {
    print(...parts);
    if (String(parts[0]).startsWith('ERROR')) process.exitCode = 1;
  };
}
const { loadAndCompile, loadLiteRt, supportsFeature, Tensor } = await worker(() => import('@litertjs/core'));

const wasm = path.join(path.dirname(require.resolve('@litertjs/core')), '../wasm');
// the build that it picks on a page without threads
const build = (await supportsFeature('relaxedSimd')) ? 'litert_wasm_internal.js' : 'litert_wasm_compat_internal.js';
await loadLiteRt(path.join(wasm, build));
const model = await loadAndCompile(new Uint8Array(fs.readFileSync(modelPath)), { accelerator: 'wasm' });

const arrays = { float32: Float32Array, int32: Int32Array, int8: Int8Array, uint8: Uint8Array };
const inputs = model.getInputDetails().map(({ shape, dtype }, k) => {
  const ArrayType = arrays[dtype];
  if (!ArrayType) throw new Error(`input ${k} is ${dtype}`);
  const numbers = readInput(
    k,
    shape.reduce((product, d) => product * d, 1),
  );
  return new Tensor(ArrayType === Float32Array ? numbers : ArrayType.from(numbers), shape);
});
const details = model.getOutputDetails();
const results = await model.run(inputs);
const outputs = results.map((tensor, k) => ({
  name: details[k].name,
  shape: details[k].shape,
  data: tensor.toTypedArray().slice(),
}));
for (const tensor of results) tensor.delete();
const msMedian = await time(async () => {
  const tensors = await model.run(inputs);
  return () => tensors.forEach((tensor) => tensor.delete());
});
writeResult(outputs, msMedian);
process.exit();

/** LiteRT.js takes a host without a window for a web worker; its loader is a script for one, here run as CommonJS. */
async function worker(load) {
  globalThis.self = globalThis;
  if (!globalThis.navigator) globalThis.navigator = { hardwareConcurrency: 1, language: 'en', userAgent: 'node' };
  globalThis.importScripts = (url) => {
    const file = String(url).replace(/^file:\/\//, '');
    const module = { exports: {} };
    const run = vm.compileFunction(
      fs.readFileSync(file, 'utf8'),
      ['module', 'exports', 'require', '__filename', '__dirname'],
      { filename: file, importModuleDynamically: vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER },
    );
    run(module, module.exports, createRequire(file), file, path.dirname(file));
    globalThis.ModuleFactory = module.exports;
  };
  return load();
}
