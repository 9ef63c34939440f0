// README.md and the guides: length, links.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../', import.meta.url));
const text = (file: string) => readFileSync(path.join(root, file), 'utf8');

/** What GitHub calls a heading in links. */
const anchor = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(' ', '-');

const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'ARCHITECTURE.md',
  'models/README.md',
  ...['docs', 'docs/guides', 'examples/edge', 'examples/react', 'examples/svelte', 'examples/web'].flatMap((folder) =>
    readdirSync(path.join(root, folder))
      .filter((file) => file.endsWith('.md'))
      .map((file) => `${folder}/${file}`),
  ),
];

describe('pages', () => {
  it.each(pages)('%s: its links exist', (page) => {
    const links = [...text(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link);
    for (const link of links.filter((target) => !/^[a-z]+:/.test(target))) {
      const [file, fragment] = link.split('#');
      const target = file === '' ? page : path.join(path.dirname(page), file);
      expect(existsSync(path.join(root, target)), `${page}: ${link}`).toBe(true);
      if (!fragment) continue;
      const headings = [...text(target).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchor(heading));
      expect(headings, `${page}: ${link}`).toContain(fragment);
    }
  });
});

describe('README.md', () => {
  it('has at most 900 words, code and tables included', () => {
    const words = text('README.md')
      .replaceAll(/<!--.*?-->/gs, '')
      .split(/\s+/)
      .filter((word) => /[\p{L}\p{N}]/u.test(word));
    expect(words.length).toBeLessThanOrEqual(900);
  });

  it('links every guide', () => {
    for (const guide of readdirSync(path.join(root, 'docs/guides'))) {
      expect(text('README.md')).toContain(`docs/guides/${guide}`);
      expect(text('docs/README.md')).toContain(`guides/${guide}`);
    }
  });
});
