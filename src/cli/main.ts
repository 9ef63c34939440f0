#!/usr/bin/env node
// The `filigree` executable.
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { main } from './program.ts';

// Whoever reads our output may stop early (`filigree inspect … | head`): that is no error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    if (stream === process.stdout) process.stderr.write(`filigree: cannot write the output: ${error.message}\n`);
    process.exit(1);
  });
}

process.exitCode = await main(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  debug: Boolean(process.env.FILIGREE_DEBUG),
  version: (createRequire(import.meta.url)('../../package.json') as { version: string }).version,
  defaultModel: fileURLToPath(new URL('../models/face-detection.filigree', import.meta.url)),
});
