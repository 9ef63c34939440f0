// What the drivers share: arguments, tensors as .bin files, timing.
//
//   node DRIVER model.tflite FOLDER [iterations]
//
// FOLDER holds input0.bin, input1.bin, … (float32, row-major), in some drivers of several runs, one after the other. The
// driver adds output0.bin, …, of as many runs, and result.json.
const fs = require('node:fs');
const path = require('node:path');

const [, , modelPath, folder, iterations] = process.argv;

/** The k-th input, of `length` numbers. */
function readInput(k, length) {
  const bytes = fs.readFileSync(path.join(folder, `input${k}.bin`));
  const numbers = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  if (numbers.length !== length) throw new Error(`input ${k} has ${numbers.length} numbers, the model wants ${length}`);
  return numbers;
}

/** The k-th input of each run, of `length` numbers each. */
function readInputs(k, length) {
  const { size } = fs.statSync(path.join(folder, `input${k}.bin`));
  const runs = Math.max(1, Math.floor(size / 4 / length));
  const numbers = readInput(k, runs * length);
  return Array.from({ length: runs }, (_, run) => numbers.subarray(run * length, (run + 1) * length));
}

/** Outputs are { name?, shape, data }. */
function writeResult(outputs, timing) {
  outputs.forEach(({ data }, k) => {
    const floats = Float32Array.from(data);
    fs.writeFileSync(path.join(folder, `output${k}.bin`), new Uint8Array(floats.buffer));
  });
  const described = outputs.map(({ name, shape }) => ({ name, shape: Array.from(shape) }));
  fs.writeFileSync(path.join(folder, 'result.json'), JSON.stringify({ outputs: described, ...timing }));
}

/**
 * Called after the first run. Milliseconds from the start of the process to here and, when iterations are asked for, the
 * median and minimum of one run after a quarter as many untimed ones; peak memory.
 */
async function time(run) {
  const msCold = performance.now();
  const count = Number(iterations ?? 0);
  if (count === 0) return { msCold };
  const times = [];
  for (let i = -Math.ceil(count / 4); i < count; i++) {
    const start = performance.now();
    const after = await run();
    const end = performance.now();
    if (typeof after === 'function') after();
    if (i >= 0) times.push(end - start);
  }
  times.sort((a, b) => a - b);
  const megabytes = process.resourceUsage().maxRSS / 1e3;
  return { msCold, msMedian: times[times.length >> 1], msMinimum: times[0], megabytes };
}

module.exports = { modelPath, readInput, readInputs, writeResult, time };
