// Vitest's global setup of the project `unit`: builds src/hosts/wasm/ if its sources have changed, before every run of a watch too.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';

const root = fileURLToPath(new URL('../../', import.meta.url));

export default function buildKernels(project: TestProject): void {
  const build = () =>
    execFileSync(process.execPath, ['scripts/build.mjs', '--kernels'], { cwd: root, stdio: 'inherit' });
  build();
  project.onTestsRerun(async () => void build());
}
