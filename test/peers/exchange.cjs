// What the drivers share: arguments, tensors as .bin files, timing.
//
//   node DRIVER model.tflite FOLDER [OPTIONS]
//
// FOLDER holds input0.bin, input1.bin, … (float32, row-major), in some drivers of several runs, one after the other. The
// driver adds output0.bin, …, of as many runs, and result.json. OPTIONS is JSON: see RunOptions in index.ts.
const fs = require('node:fs');
const path = require('node:path');

const [, , modelPath, folder, options = '{}'] = process.argv;
const { iterations = 0, warmUpMs = 0, timedMs = Infinity, threads = 1, turns = false } = JSON.parse(options);

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
 * Peak resident memory in MB. Not resourceUsage().maxRSS where there is better: on Linux that counts what the parent had
 * when it started this process.
 */
function peakMegabytes() {
  try {
    return Number(/VmHWM:\s*(\d+) kB/.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1]) * 1.024e-3;
  } catch {
    return process.resourceUsage().maxRSS / 1e3;
  }
}

/**
 * Called after the first run. The time of day then and, when iterations are asked for, the median and minimum
 * milliseconds of one run after the warm-up; peak memory. `run` may return what to do after it, untimed.
 */
async function time(run) {
  const firstResultAt = performance.timeOrigin + performance.now();
  if (turns) {
    await takeTurns(run);
    return { firstResultAt };
  }
  if (iterations === 0) return { firstResultAt };
  const once = async () => {
    const start = performance.now();
    const after = await run();
    const end = performance.now();
    if (typeof after === 'function') after();
    return end - start;
  };
  const warmUpEnd = performance.now() + warmUpMs;
  for (let i = 0; i < iterations / 4 || performance.now() < warmUpEnd; i++) {
    await once();
    if (warmUpMs && i >= 2 && performance.now() >= warmUpEnd) break;
  }
  const times = [];
  const end = performance.now() + timedMs;
  while (times.length < iterations && (times.length < 5 || performance.now() < end)) times.push(await once());
  times.sort((a, b) => a - b);
  const msMedian = times[times.length >> 1];
  return { firstResultAt, msMedian, msMinimum: times[0], runs: times.length, megabytes: peakMegabytes() };
}

/**
 * Runs when the parent process says so: each message is a number of runs, the answer is each run's milliseconds of CPU time, which other
 * programs on the machine disturb less than wall-clock time. A message of 0 ends it.
 */
function takeTurns(run) {
  const cpuMs = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
  return new Promise((resolve, reject) => {
    process.on('message', async (runs) => {
      try {
        if (runs === 0) {
          process.disconnect();
          return resolve();
        }
        const times = [];
        for (let i = 0; i < runs; i++) {
          const start = cpuMs();
          const after = await run();
          times.push(cpuMs() - start);
          if (typeof after === 'function') after();
        }
        process.send(times);
      } catch (error) {
        reject(error);
      }
    });
    process.send([]);
  });
}

module.exports = { modelPath, readInput, readInputs, writeResult, time, peakMegabytes, threads };
