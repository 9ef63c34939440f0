// Makes what is not made yet, and what is made of other sources than those there are. Contents count, not times: a
// checkout, a copy or a `touch` makes nothing anew.
//
// What each thing was made of, and what came of it, lies in node_modules/.cache/filigree/made/NAME.json as two hashes.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const folder = join(root, 'node_modules/.cache/filigree/made');

/** The files under some paths of the repository, sorted; of paths where nothing is, none. */
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

/** Writes a file as a whole: others see the old one or the new one. */
export function writeWhole(path, content) {
  const part = `${path}.${process.pid}`;
  writeFileSync(part, content);
  renameSync(part, path);
}

/**
 * Runs `make`, unless what it makes has been made of the same sources and is as it was left. One process makes at a time;
 * others wait for it.
 * @param name of what is made; it names the record
 * @param sources,outputs paths of files and folders, relative to the root
 * @param force makes it in any case
 * @returns whether it was made now
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
    if (!force && isMade()) return false; // by another process, meanwhile
    const from = hashOf(sources); // what changes while it is made is seen the next time
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

/** Runs `work` while no other process does under this lock: a file with the number of the process that holds it. */
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

/** Whether the process that holds a lock has ended. Outputs are put in place as wholes, so that two makers do no harm. */
function isLeft(lock) {
  try {
    const holder = Number(readFileSync(lock, 'utf8'));
    if (holder === 0) return false; // it is being written
    process.kill(holder, 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}
