// npm run audit: lists known vulnerabilities of dependencies that are published with the package, and of those for building
// and testing. Fails for any of the first, and for serious ones of the second. Reports when the registry gives no advisories
// or cannot be reached.
import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const audits = [
  { what: 'dependencies', folder: '.', options: ['--omit=dev', '--audit-level=low'] },
  { what: 'development', folder: '.', options: ['--audit-level=high'] },
  { what: 'hosts of tests', folder: 'test/hosts', options: ['--audit-level=high'] },
];
for (const { what, folder, options } of audits) {
  const { status, stdout } = spawnSync('npm', ['audit', '--json', ...options], {
    cwd: root + folder,
    encoding: 'utf8',
  });
  const report = stdout.trim() ? JSON.parse(stdout) : {};
  if (!report.metadata) {
    console.log(`${what}: nothing audited, the registry says: ${report.message ?? report.error?.summary ?? 'nothing'}`);
    continue;
  }
  const { vulnerabilities, dependencies } = report.metadata;
  const found = Object.entries(vulnerabilities).filter(([level, count]) => level !== 'total' && count > 0);
  console.log(
    `${what}: ${dependencies.total} packages, ${found.map(([level, n]) => `${n} ${level}`).join(', ') || 'clean'}`,
  );
  for (const [name, { severity, via }] of Object.entries(report.vulnerabilities)) {
    console.log(`  ${name} (${severity}): ${via.map((by) => by.title ?? by).join('; ')}`);
  }
  if (status !== 0) process.exitCode = 1;
}
