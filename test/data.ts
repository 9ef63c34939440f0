// Models and pictures that lie beside the repository, too large or not ours to keep in it.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'vitest';

const root = path.join(import.meta.dirname, '../../shared/data');

/** Where a file or folder of ../shared/data would be. */
export function dataPath(...parts: string[]): string {
  return path.join(root, ...parts);
}

export function hasData(...parts: string[]): boolean {
  return existsSync(dataPath(...parts));
}

/**
 * `describe` for tests that need a file or folder of ../shared/data. Where it is absent they are skipped by name, or fail
 * when FILIGREE_REQUIRE_DATA is set.
 */
export function describeWithData(title: string, needed: string, body: (file: string) => void): void {
  if (hasData(needed)) {
    describe(title, () => body(dataPath(needed)));
    return;
  }
  const reason = `needs ../shared/data/${needed}`;
  if (process.env.FILIGREE_REQUIRE_DATA) {
    it(title, () => {
      throw new Error(reason);
    });
  } else describe.skip(`${title} (${reason})`, () => body(dataPath(needed)));
}
