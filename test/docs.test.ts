// What pages about the repository name is there.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { kernels } from '../src/program/kernels.ts';
import { operators } from '../src/ops/index.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const pages = ['ARCHITECTURE.md', 'CONTRIBUTING.md', 'models/README.md', 'docs/glossary.md'];

/** Files and folders by path from the root; those of `src/` by the shorter path as well, as ARCHITECTURE.md has them. */
const paths = new Set<string>();
for (const folder of ['assembly', 'bench', 'docs', 'examples', 'models', 'scripts', 'src', 'test', 'training']) {
  paths.add(folder);
  for (const path of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
    if (path.includes('node_modules')) continue;
    paths.add(`${folder}/${path}`);
    if (folder === 'src') paths.add(path);
  }
}

/** Whether there is a file or folder of that path; a star is any text but a slash. */
function isThere(path: string): boolean {
  const plain = path.replace(/\/$/, '');
  if (!plain.includes('*')) return paths.has(plain) || existsSync(join(root, plain));
  const pattern = new RegExp(
    `^${plain.replaceAll('.', '\\.').replaceAll(/\*+\/?/g, (star) => (star.length > 1 ? '.*' : '[^/]*'))}$`,
  );
  return [...paths].some((other) => pattern.test(other));
}

/**
 * Paths within backticks: of two parts or more, or of the root. NAME, FAMILY and HOST stand for what a contributor adds, and
 * what builds and measurements write may be absent.
 */
function pathsIn(text: string): string[] {
  const quoted = [...text.matchAll(/`([^`\n]+)`/g)].map(([, code]) => code);
  const words = quoted.flatMap((code) => code.split(/\s+/)).map((word) => word.replace(/[,;]$/, ''));
  const isPath = (word: string) =>
    /^[a-z][\w-]*\/[\w./*-]*\.(ts|mjs|json|md|in)$/.test(word) ||
    /^(assembly|bench|docs|examples|models|scripts|src|test|training)\/[\w./*-]*$/.test(word) ||
    /^[\w-]+\.(md|config\.ts)$/.test(word);
  return words.filter((word) => isPath(word) && !/NAME|FAMILY|HOST|^src\/hosts\/wasm\/|^bench\/results\//.test(word));
}

/** Targets of links within the repository. */
function linksIn(text: string): string[] {
  return [...text.matchAll(/\]\(([^)#\s]+)(#[^)]*)?\)/g)].map(([, target]) => target).filter((to) => !/^\w+:/.test(to));
}

describe.each(pages)('%s', (page) => {
  const text = readFileSync(join(root, page), 'utf8');

  it('names paths that exist', () => {
    expect(pathsIn(text).filter((path) => !isThere(path))).toEqual([]);
  });

  it('links to files that exist', () => {
    expect(linksIn(text).filter((target) => !existsSync(join(root, dirname(page), target)))).toEqual([]);
  });
});

it('finds what is missing', () => {
  const own = pages.flatMap((page) => pathsIn(readFileSync(join(root, page), 'utf8')));
  expect(own.length).toBeGreaterThan(50);
  const text =
    'See `src/none.ts` and `npx vitest run test/*.none.ts`, `src/ops/NAME.ts`, [it](none.md#a), [b](https://a.b/c).';
  expect(pathsIn(text)).toEqual(['src/none.ts', 'test/*.none.ts']);
  expect([...pathsIn(text), 'test/*.test.ts', 'test/**/docs.test.ts', 'ops/index.ts', 'src/'].filter(isThere)).toEqual([
    'test/*.test.ts',
    'test/**/docs.test.ts',
    'ops/index.ts',
    'src/',
  ]);
  expect(linksIn(text)).toEqual(['none.md']);
});

describe('CONTRIBUTING.md', () => {
  const text = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8');

  it('lists every table that has a row for each operator', () => {
    const tables = [...paths].filter((path) => {
      if (!/^(src|bench|models)\/.*\.ts$/.test(path)) return false;
      const source = readFileSync(join(root, path), 'utf8');
      return /(const \w+: OperatorTable<|satisfies Record<OperatorName,|satisfies { \[N in OperatorName\])/.test(
        source,
      );
    });
    expect(tables.length).toBeGreaterThan(10);
    expect(tables.filter((path) => !text.includes(`| \`${path}\` |`))).toEqual([]);
  });

  it('names commands that there are', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object };
    const named = [...text.matchAll(/npm run ([\w:]+)/g)].map(([, name]) => name);
    expect(named.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
  });
});

it('the registry and the operators are where the pages say', () => {
  expect(existsSync(join(root, 'src/program/kernels.ts'))).toBe(true);
  for (const { family } of Object.values(kernels))
    expect(existsSync(join(root, 'assembly', family, 'index.ts'))).toBe(true);
  for (const name of Object.keys(operators)) {
    const file = `src/ops/${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}.ts`;
    expect([file, existsSync(join(root, file))]).toEqual([file, true]);
  }
});
