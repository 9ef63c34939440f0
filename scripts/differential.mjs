// Compares random networks, ONNX and TFLite files with their expected results, for a given time:
//
//   npm run differential -- --minutes 30 [--seed 7] [networks|onnx|tflite]
//
// Prints a failure as code: the smallest network that still fails.
import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string' } },
  allowPositionals: true,
});
if (!(Number(values.minutes) > 0)) {
  console.error(`--minutes: wanted a positive number, got ${values.minutes}`);
  process.exit(2);
}
const files = (positionals.length > 0 ? positionals : ['networks', 'onnx', 'tflite']).map(
  (name) => `test/differential/${name}.test.ts`,
);
const { status } = spawnSync(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...files], {
  stdio: 'inherit',
  env: {
    ...process.env,
    FILIGREE_DIFFERENTIAL_MINUTES: values.minutes,
    ...(values.seed === undefined ? {} : { FILIGREE_DIFFERENTIAL_SEED: values.seed }),
  },
});
process.exit(status ?? 1);
