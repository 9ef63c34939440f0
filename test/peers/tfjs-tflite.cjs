// Runs a TFLite model with tfjs-tflite, single-threaded, in Node. Usage: see exchange.cjs; or
//
//   node tfjs-tflite.cjs --all FOLDER
//
// for many models in one process: FOLDER/cases.json lists { inputs: [name, …] }, the model of case k is k.tflite, its input i
// k.i.bin (float32). Output i is written to k.out.i.bin; results.json lists { outputs: [{ name, shape }] } or { error }.
// The client is written for pages; without a window it takes itself for a web worker, which is imitated here.
const fs = require('node:fs');
const path = require('node:path');
const vm = require('node:vm');
const { modelPath, readInputs, time, writeResult } = require('./exchange.cjs');

const base = 'http://local/';
const folder = path.join(path.dirname(require.resolve('@tensorflow/tfjs-tflite/package.json')), 'wasm');
const localPath = (url) => path.join(folder, String(url).replace(base, ''));

// A page without cross-origin isolation: the client then picks the SIMD build without threads.
delete globalThis.SharedArrayBuffer;
globalThis.self = globalThis;
globalThis.location = { href: base, pathname: '/', origin: 'null', host: '' };
if (!globalThis.navigator) globalThis.navigator = { hardwareConcurrency: 1 };
globalThis.importScripts = (...urls) => {
  for (const url of urls) vm.runInThisContext(fs.readFileSync(localPath(url), 'utf8'), { filename: localPath(url) });
};
globalThis.fetch = async (url) =>
  new Response(fs.readFileSync(localPath(url)), { headers: { 'content-type': 'application/wasm' } });
globalThis.XMLHttpRequest = class {
  open(_method, url, isAsync) {
    this.url = url;
    this.isAsync = isAsync !== false;
  }
  setRequestHeader() {}
  send() {
    this.response = new Uint8Array(fs.readFileSync(localPath(this.url))).buffer;
    this.status = 200;
    this.readyState = 4;
    if (this.isAsync) queueMicrotask(() => this.onload?.({}));
  }
};

async function loadRunner() {
  const tf = require('@tensorflow/tfjs-core');
  require('@tensorflow/tfjs-backend-cpu');
  await tf.setBackend('cpu');
  globalThis.exports = {};
  const client = path.join(folder, 'tflite_web_api_client.js');
  vm.runInThisContext(fs.readFileSync(client, 'utf8'), { filename: client });
  const { tflite_web_api: api, TFLiteWebModelRunner } = globalThis.exports.tfweb ?? globalThis.tfweb;
  api.setWasmPath(base);
  return (file) => TFLiteWebModelRunner.create(new Uint8Array(fs.readFileSync(file)).buffer, { numThreads: -1 });
}

const outputsOf = (runner) =>
  runner.getOutputs().map((tensor) => ({ name: tensor.name, shape: tensor.shape.split(',').map(Number), tensor }));

async function runAll(folder) {
  const create = await loadRunner();
  const results = [];
  for (const [k, { inputs }] of JSON.parse(fs.readFileSync(path.join(folder, 'cases.json'), 'utf8')).entries()) {
    try {
      const runner = await create(path.join(folder, `${k}.tflite`));
      for (const tensor of runner.getInputs()) {
        const bytes = fs.readFileSync(path.join(folder, `${k}.${inputs.indexOf(tensor.name)}.bin`));
        tensor.data().set(new Float32Array(new Uint8Array(bytes).buffer));
      }
      if (!runner.infer()) throw new Error('inference failed');
      const outputs = outputsOf(runner).map(({ name, shape, tensor }, i) => {
        fs.writeFileSync(
          path.join(folder, `${k}.out.${i}.bin`),
          new Uint8Array(Float32Array.from(tensor.data()).buffer),
        );
        return { name, shape };
      });
      runner.cleanUp?.();
      results.push({ outputs });
    } catch (error) {
      results.push({ error: String(error?.message ?? error) });
    }
  }
  fs.writeFileSync(path.join(folder, 'results.json'), JSON.stringify(results));
}

async function main() {
  const runner = await (await loadRunner())(modelPath);
  const inputs = runner.getInputs().map((tensor, k) => readInputs(k, tensor.data().length));
  const results = inputs[0].map((_, run) => {
    runner.getInputs().forEach((tensor, k) => tensor.data().set(inputs[k][run]));
    if (!runner.infer()) throw new Error('inference failed');
    return runner.getOutputs().map((tensor) => Array.from(tensor.data()));
  });
  const outputs = outputsOf(runner).map(({ name, shape }, k) => ({
    name,
    shape,
    data: results.flatMap((result) => result[k]),
  }));
  writeResult(outputs, await time(() => void runner.infer()));
}

(process.argv[2] === '--all' ? runAll(process.argv[3]) : main()).then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
