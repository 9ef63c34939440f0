// Run by faults.package.test.ts: writes a large file, and is interrupted by a signal, or ends, as soon as a part of it is there.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { writeOutput } from '../../src/files/write.ts';

const [folder, how] = process.argv.slice(2);
const before = readdirSync(folder).length;
const writing = writeOutput(join(folder, 'large'), new Uint8Array(300e6));
for (;;) {
  if (readdirSync(folder).length > before) break;
  await Promise.race([writing, new Promise(setImmediate)]);
}
if (how === 'exit') process.exit(0);
process.kill(process.pid, how);
setInterval(() => {}, 1000); // until the signal comes
