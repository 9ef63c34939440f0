// Vitest's global setup of the project `unit`: the wasm in src/wasm/ is that of its sources, also when a watch runs tests
// again.
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
