// Runs ONNX models with onnxruntime-web's WebAssembly backend, single-threaded, in Node. Usage: see exchange.cjs; or
//
//   node onnxruntime.mjs --all FOLDER
//
// for many models in one process: FOLDER/cases.json lists { inputs: [{ name, dtype, shape }], unoptimised? }, the model
// of case k is k.onnx, its input i k.i.bin (raw numbers of the dtype). Output i is written to k.out.i.bin as float32;
// results.json lists { outputs: [{ name, shape }] } or { error }.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const ort = await import('onnxruntime-web');
ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'fatal';

const arrays = {
  float32: Float32Array,
  float16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
};

const createSession = (file, graphOptimizationLevel) =>
  ort.InferenceSession.create(new Uint8Array(fs.readFileSync(file)), {
    executionProviders: ['wasm'],
    graphOptimizationLevel,
    logSeverityLevel: 4,
  });

if (process.argv[2] === '--all') await runAll(process.argv[3]);
else await runOne();
process.exit(0);

async function runOne() {
  const { modelPath, readInput, threads, time, writeResult } = createRequire(import.meta.url)('./exchange.cjs');
  ort.env.wasm.numThreads = threads;
  const session = await createSession(modelPath, 'all');
  const feeds = Object.fromEntries(
    session.inputMetadata.map(({ name, type, shape }, k) => {
      const sizes = shape.map((d) => (typeof d === 'number' && d > 0 ? d : 1));
      const numbers = readInput(
        k,
        sizes.reduce((product, d) => product * d, 1),
      );
      const data = type === 'float32' ? numbers : arrays[type].from(numbers);
      return [name, new ort.Tensor(type, data, sizes)];
    }),
  );
  const results = await session.run(feeds);
  const outputs = session.outputNames.map((name) => ({ name, shape: results[name].dims, data: results[name].data }));
  writeResult(outputs, await time(async () => void (await session.run(feeds))));
}

async function runAll(folder) {
  const cases = JSON.parse(fs.readFileSync(path.join(folder, 'cases.json'), 'utf8'));
  const results = [];
  for (const [k, { inputs, unoptimised }] of cases.entries()) {
    try {
      const session = await createSession(path.join(folder, `${k}.onnx`), unoptimised ? 'disabled' : 'all');
      const feeds = Object.fromEntries(
        inputs.map(({ name, dtype, shape }, i) => {
          const bytes = new Uint8Array(fs.readFileSync(path.join(folder, `${k}.${i}.bin`)));
          return [name, new ort.Tensor(dtype, new arrays[dtype](bytes.buffer), shape)];
        }),
      );
      const made = await session.run(feeds);
      const outputs = session.outputNames.map((name, i) => {
        const floats = Float32Array.from(made[name].data, Number);
        fs.writeFileSync(path.join(folder, `${k}.out.${i}.bin`), new Uint8Array(floats.buffer));
        return { name, shape: made[name].dims };
      });
      await session.release();
      results.push({ outputs });
    } catch (error) {
      results.push({ error: String(error?.message ?? error) });
    }
  }
  fs.writeFileSync(path.join(folder, 'results.json'), JSON.stringify(results));
}
