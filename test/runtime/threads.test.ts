// Models on several threads: the same bits, workers that start, fail, stop and end.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { writeArtifact } from '../../src/artifact/write.ts';
import { compileGraph } from '../../src/compile/index.ts';
import { mobilenetV2 } from '../../models/mobilenet.ts';
import type { FiligreeError } from '../../src/errors.ts';
import type { LoadOptions } from '../../src/runtime/load.ts';
import { loadModel } from '../../src/runtime/load.ts';
import type { ThreadHost } from '../../src/runtime/threads/host.ts';
import { nodeHost } from '../../src/runtime/threads/node.ts';
import { randomFloats } from '../kernels/wasm.ts';
import { randomInputs } from '../program.ts';
import { bitsOf, loadInShares } from '../shares.ts';
