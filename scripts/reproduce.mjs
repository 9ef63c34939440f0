// npm run reproduce: checks that the wasm in src/hosts/wasm and dist/wasm equals a build of its sources, byte for byte.
//
//   node scripts/reproduce.mjs [builds]
//
// Copies the sources into a folder of another name, builds there (twice if not said), and compares.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const builds = Number(process.argv[2] ?? 2);

/** SHA-256 of each wasm file of a folder. */
const sums = (folder) =>
  Object.fromEntries(
    readdirSync(folder)
      .filter((file) => file.endsWith('.wasm'))
      .sort()
      .map((file) => [
        file,
        createHash('sha256')
          .update(readFileSync(join(folder, file)))
          .digest('hex'),
      ]),
  );

const found = [];
for (const folder of ['src/hosts/wasm', 'dist/wasm']) {
  if (existsSync(root + folder)) found.push([folder, sums(root + folder)]);
}
for (let i = 1; i <= builds; i++) {
  const copy = mkdtempSync(join(tmpdir(), `filigree-${'again'.repeat(i)}-`));
  try {
    for (const part of ['assembly', 'src', 'scripts', 'asconfig.json', 'package.json']) {
      cpSync(root + part, join(copy, part), { recursive: true, filter: (file) => !file.endsWith('.wasm') });
    }
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
    execFileSync(process.execPath, ['scripts/build.mjs', '--kernels'], { cwd: copy, stdio: 'ignore' });
    found.push([`build ${i}`, sums(join(copy, 'src/hosts/wasm'))]);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}
const [, wanted] = found.at(-1);
for (const [file, sum] of Object.entries(wanted)) console.log(`${sum}  ${file}`);
for (const [where, files] of found) {
  const same = JSON.stringify(files) === JSON.stringify(wanted);
  console.log(`${where}: ${same ? 'the same bytes' : 'OTHER BYTES'}`);
  if (!same) process.exitCode = 1;
}
