import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

it('vision imports nothing that an edge bundle should not carry', () => {
  const folder = new URL('../../src/vision/', import.meta.url);
  const files = (readdirSync(folder, { recursive: true }) as string[]).filter((file) => file.endsWith('.ts'));
  expect(files.length).toBeGreaterThan(10);
  for (const file of files) {
    const source = readFileSync(new URL(file, folder), 'utf8');
    for (const [, path] of source.matchAll(/(?:from |import\()'([^'$]+)'/g)) {
      // where nothing else decodes photos; edge bundles have another module in its place
      if (file === 'encoded-image.ts' && path === 'filigree/images') continue;
      expect(path, `${file} imports ${path}`).toMatch(
        file.includes('/')
          ? /^\.\.?\/([a-z]+\/)?[a-z0-9-]+\.ts$/
          : /^(\.\/|\.\.\/(runtime|program|artifact)\/|\.\.\/formats\/|\.\.\/(errors|tensor)\.ts|#[a-z-]+$)/,
      );
    }
  }
});
