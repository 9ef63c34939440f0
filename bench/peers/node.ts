// The Node that figures are quoted from: npm brings it, as it brings the runtimes that tests need.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';

export const referenceVersion = 26;

const cache = path.resolve(import.meta.dirname, '../../node_modules/.cache/filigree');

/** Its program: this one, or one in a cache, which is filled first. @throws Error where npm cannot bring it */
export function referenceNode(): string {
  if (Number(process.versions.node.split('.')[0]) === referenceVersion) return process.execPath;
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const folder = path.join(cache, `node-${referenceVersion}`);
  const program = path.join(folder, 'node_modules', name, 'bin/node');
  if (!existsSync(program)) {
    console.error(`fetching ${name}@${referenceVersion}`);
    execFileSync('npm', ['install', '--prefix', folder, '--no-save', '--no-audit', `${name}@${referenceVersion}`], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }
  return program;
}
