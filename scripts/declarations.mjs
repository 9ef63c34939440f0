// Emits only the .d.ts files that entry points reach. tsc writes one for every source; the others would only add size.
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, readdirSync, rmSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const entries = ['index', 'inline', 'kernels', 'compile', 'prune', 'images', 'bulk'];

/** Writes the declarations of the public entry points into a directory, which must be new. */
export function emitDeclarations(directory) {
  const project = ['-p', 'tsconfig.build.json', '--outDir', directory];
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', ...project], { stdio: 'inherit' });
  const reached = new Set(entries.map((entry) => resolve(directory, `${entry}.d.ts`)));
  for (const path of reached) {
    // tsc leaves `.ts` in declarations' imports, which compilers before 5.0 refuse
    const text = readFileSync(path, 'utf8').replaceAll(/(["'])(\.\.?\/[^"'\n]+)\.ts\1/g, (_, quote, target) => {
      reached.add(resolve(dirname(path), `${target}.d.ts`));
      return `${quote}${target}.js${quote}`;
    });
    writeFileSync(path, text);
  }
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const path = resolve(entry.parentPath, entry.name);
    if (entry.isFile() && !reached.has(path)) rmSync(path);
  }
  removeEmpty(directory);
  cpSync('src/client.d.ts', join(directory, 'client.d.ts')); // ambient, written by hand
}

function removeEmpty(directory) {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) removeEmpty(join(directory, entry.name));
  }
  if (readdirSync(directory).length === 0) rmdirSync(directory);
}
