/**
 * What each worker runs, as text, so that it needs no file: networks stitched together from records that lie in a copy of
 * the memory that it is given. For each photo it runs `prefix` once, and from there on each of `variants`; lists of
 * records are addresses and counts, in turns. Answers with the outputs as they are stored, in a row.
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
