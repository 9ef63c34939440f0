// Vitest's global setup of the projects `package` and `soak`: builds src/hosts/wasm/ and dist/ if their sources have changed.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';

const root = fileURLToPath(new URL('../../', import.meta.url));

export default function buildPackage(project: TestProject): void {
  const build = () => execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: root, stdio: 'inherit' });
  build();
  project.onTestsRerun(async () => void build());
}
