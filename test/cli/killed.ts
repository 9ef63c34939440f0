// Run by prune.test.ts: the command line, in a process that is killed as soon as a file is there.
//
//   node scripts/run.mjs test/cli/killed.ts FILE [arguments of filigree]
import { existsSync } from 'node:fs';
import process from 'node:process';

const [file] = process.argv.splice(2, 1);
const look = () => {
  if (existsSync(file)) process.kill(process.pid, 'SIGKILL');
  else setImmediate(look);
};
look();
await import('../../src/cli/main.ts');
