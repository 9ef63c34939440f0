/**
 * The source of each worker, as text, so that no file is needed. A worker runs networks stitched together from records in
 * its copy of the given memory. For each photo it runs `prefix` once, and then each of `variants`. Lists of records
 * alternate addresses and counts. It answers with the outputs in their stored layout, one after the other.
 */
export const workerSource = `const { parentPort, workerData } = require('node:worker_threads');
const { module, image, pages, values, inputs, outputs, photos } = workerData;
const memory = new WebAssembly.Memory({ initial: pages });
new Uint8Array(memory.buffer).set(image);
const { exports } = new WebAssembly.Instance(module, { env: { memory } });
const run = (list) => {
  for (let i = 0; i < list.length; i += 2) exports.run(list[i], list[i + 1]);
};
const state = new Uint8Array(memory.buffer, values.at, values.bytes);
parentPort.on('message', ({ id, which, prefix, variants }) => {
  const results = [];
  for (const photo of which) {
    inputs.forEach(({ at }, i) => new Float32Array(memory.buffer, at, photos[photo][i].length).set(photos[photo][i]));
    run(prefix);
    const saved = variants.length > 1 ? state.slice() : undefined;
    variants.forEach((variant, i) => {
      if (i > 0) state.set(saved);
      run(variant);
      for (const { at, floats } of outputs) results.push(new Float32Array(memory.buffer, at, floats).slice());
    });
  }
  parentPort.postMessage({ id, results }, results.map(({ buffer }) => buffer));
});
parentPort.postMessage({ ready: true });
`;
