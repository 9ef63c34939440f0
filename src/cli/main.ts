#!/usr/bin/env node
// The `filigree` executable.
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { main } from './program.ts';

// The reader of our output may stop early (`filigree inspect … | head`): that is not an error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    if (stream === process.stdout) process.stderr.write(`filigree: cannot write the output: ${error.message}\n`);
    process.exit(1);
  });
}

const shipped = (name: string) => fileURLToPath(new URL(`../models/${name}.filigree`, import.meta.url));
const shippedModels = {
  objects: shipped('objects'),
  'objects-small': shipped('objects-small'),
  faces: shipped('face-detection'),
  imagenet: shipped('imagenet'),
};

process.exitCode = await main(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  debug: Boolean(process.env.FILIGREE_DEBUG),
  version: (createRequire(import.meta.url)('../../package.json') as { version: string }).version,
  defaultModel: shippedModels.objects,
  shippedModels,
  bulkWorker: new URL('bulk-worker.js', import.meta.url),
});
