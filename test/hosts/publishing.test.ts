// What publishing tools think of the package: of its manifest and files (publint), and of its types (Are the types wrong?).
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, expect, it } from 'vitest';
import { root } from './project.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'filigree-pack-'));
afterAll(() => rmSync(folder, { recursive: true }));

const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as Record<string, unknown>;

it('publint has nothing to say', async () => {
  const { messages } = await publint({ pkgDir: root, level: 'suggestion', strict: true });
  expect(messages.map((message) => formatMessage(message, manifest, { color: false }))).toEqual([]);
});

it('types are found by every way of resolving that knows entry points, of ES modules', async () => {
  const options = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const [{ filename }] = JSON.parse(execFileSync('npm', options, { cwd: root, encoding: 'utf8', stdio: 'pipe' }));
  const tarball = createPackageFromTarballData(readFileSync(path.join(folder, filename)));
  const analysis = await checkPackage(tarball);
  if (!analysis.types) throw new Error('the package has no types');
  expect(Object.keys(analysis.entrypoints)).toContain('./client');
  // workers are files to serve, which nobody imports; CommonJS requires ES modules from Node 20.19 on
  const files = ['./filigree-worker.js', './detector-worker.js'];
  const problems = analysis.problems.filter((problem) => {
    const { entrypoint, resolutionKind } = problem as { entrypoint?: string; resolutionKind?: string };
    return !files.includes(entrypoint!) && !['node10', 'node16-cjs'].includes(resolutionKind!);
  });
  expect(problems).toEqual([]);
});

it('the manifest says where the project is', () => {
  for (const field of ['repository', 'homepage', 'bugs', 'keywords', 'license', 'description']) {
    expect(manifest).toHaveProperty(field);
  }
});
