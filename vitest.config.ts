// Three projects. `unit` tests src/ and builds the wasm first if kernels have changed. `package` tests dist/ and builds it
// first if its sources have changed. `soak` runs the package for long. CONTRIBUTING.md says how to use them.
//
//   npx vitest run --project unit test/ops/softmax.test.ts
import { readdirSync } from 'node:fs';
import { configDefaults, defineConfig } from 'vitest/config';
import { patience } from './test/patience.ts';

const ofPackage = ['test/hosts/**/*.test.ts', 'test/supply/**/*.test.ts', 'test/**/*.package.test.ts'];
const soak = ['test/soak/**/*.test.ts'];

const testsIn = (...folders: string[]) =>
  folders
    .flatMap((folder) => readdirSync(folder).map((file) => `${folder}/${file}`))
    .filter((file) => file.endsWith('.test.ts'));

export default defineConfig(({ mode }) => ({
  // src/ imports it by its name, so that each host gets its own
  resolve: { alias: { 'filigree/images': new URL('src/images.ts', import.meta.url).pathname } },
  server: { watch: { ignored: ['**/dist/**', '**/dist.*/**', '**/bench/results/**'] } },
  test: {
    maxWorkers: 2,
    testTimeout: patience,
    hookTimeout: patience,
    // a watch follows imports, but tests read the wasm from files
    watchTriggerPatterns: [
      {
        pattern: /\/assembly\/(?!generated|prune)/,
        testsToRun: () => testsIn('test/kernels', 'test/ops'),
      },
      { pattern: /\/assembly\/prune\//, testsToRun: () => ['test/prune/linear-algebra.test.ts'] },
    ],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...ofPackage, ...soak],
          globalSetup: ['test/setup/kernels.ts'],
        },
      },
      { extends: true, test: { name: 'package', include: ofPackage, globalSetup: ['test/setup/package.ts'] } },
      {
        extends: true,
        test: {
          name: 'soak',
          include: soak,
          globalSetup: ['test/setup/package.ts'],
          env: { FILIGREE_SOAK: mode === 'soak' ? 'full' : 'short' },
        },
      },
    ],
  },
}));
