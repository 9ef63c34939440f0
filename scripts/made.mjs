// Builds only what is missing or was built from other sources than the present ones. Contents are compared, not times: after
// a checkout, a copy or a `touch` nothing is built.
//
// node_modules/.cache/filigree/made/NAME.json keeps two hashes: one of the sources, one of the outputs.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const folder = join(root, 'node_modules/.cache/filigree/made');

/** The files under some paths of the repository, sorted. Missing paths are ignored. */
function filesUnder(paths) {
  return paths
    .flatMap((path) => {
      const found = statSync(join(root, path), { throwIfNoEntry: false });
      if (!found?.isDirectory()) return found ? [path] : [];
      return filesUnder(readdirSync(join(root, path)).map((name) => `${path}/${name}`));
    })
    .sort();
}

/** A hash of files' names and contents. */
function hashOf(paths) {
  const hash = createHash('sha256');
  for (const path of filesUnder(paths)) {
    const content = readFileSync(join(root, path));
    hash.update(`${path}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

/** Writes a file atomically: others see the old one or the new one. */
export function writeWhole(path, content) {
  const part = `${path}.${process.pid}`;
  writeFileSync(part, content);
  renameSync(part, path);
}

/**
 * Runs `make` unless its outputs exist, unchanged, and were built from these sources. One process builds at a time; others
 * wait for it.
 * @param name names the record and the lock
 * @param sources,outputs paths of files and folders, relative to the root
 * @param force builds in any case
 * @returns whether it was built now
 */
export async function makeUnlessMade({ name, sources, outputs, make, force = false }) {
  const record = join(folder, `${name}.json`);
  const isMade = () => {
    const { from, to } = readJson(record);
    return from === hashOf(sources) && to === hashOf(outputs);
  };
  if (!force && isMade()) return false;
  mkdirSync(folder, { recursive: true });
  return alone(join(folder, `${name}.lock`), async () => {
    if (!force && isMade()) return false; // another process has built it in the meantime
    const from = hashOf(sources); // the next run sees a change during the build
    await make();
    writeWhole(record, JSON.stringify({ from, to: hashOf(outputs) }));
    return true;
  });
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return {};
  }
}

/** Runs `work` while no other process holds this lock: a file with the number of the holding process. */
async function alone(lock, work) {
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      if (isLeft(lock)) rmSync(lock, { force: true });
      else await setTimeout(100);
    }
  }
  try {
    return await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

/** ms. No build takes longer. A killed process leaves its lock, and its number may be reused. */
const longest = 600_000;

/** Whether a lock is abandoned. Two builders at a time do no harm, because outputs are renamed into place. */
function isLeft(lock) {
  try {
    if (Date.now() - statSync(lock).mtimeMs > longest) return true;
    const holder = Number(readFileSync(lock, 'utf8'));
    if (holder > 0) process.kill(holder, 0); // throws if there is no such process
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}
