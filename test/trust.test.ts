// docs/trust.md names tests: they are there.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../', import.meta.url));

it('the tests of faults are there, by their names', () => {
  const [, faults] = readFileSync(`${root}docs/trust.md`, 'utf8').split('\n## Faults\n');
  const [section] = faults.split('\n## ');
  let names = 0;
  for (const [, file, list] of section.matchAll(/`(test\/[^`]+)`: ("[^"]+"(?:, "[^"]+")*)/g)) {
    const text = readFileSync(root + file, 'utf8');
    for (const [, name] of list.matchAll(/"([^"]+)"/g)) {
      names++;
      expect(text, file).toContain(name);
    }
  }
  expect(names).toBeGreaterThan(18);
});
