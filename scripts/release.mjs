// npm run release: everything before `npm publish`, into release/ (git-ignored):
//
//   filigree-VERSION.tgz              the package; packed twice, of two builds in two folders, the same byte for byte
//   filigree-VERSION.cdx.json         what is in it and what it installs, a CycloneDX SBOM by npm
//   filigree-VERSION.provenance.json  of which commit, lock file and Node it was built, an in-toto statement (SLSA 1)
//   SHA256SUMS
//
//   node scripts/release.mjs [--dry]  --dry takes a tree that is not committed; CI runs it
//
// It publishes nothing. It says the command that does: `npm publish` takes the tarball, and signs provenance of its own
// where it runs in CI of a kind that npm knows.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const dry = process.argv.includes('--dry');
const out = join(root, 'release');

const run = (program, args, cwd = root) =>
  execFileSync(program, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 2 ** 28 });
const git = (...args) => run('git', args).trim();
const hash = (name, bytes) => createHash(name).update(bytes).digest('hex');
const save = (name, value) => writeFileSync(join(out, name), `${JSON.stringify(value, null, 2)}\n`);

/** Complains, and ends. */
function stop(why) {
  console.error(`release: ${why}`);
  process.exit(1);
}

const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const label = `${name}-${version}`;
if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)) stop(`package.json: version ${version} is none`);
const notes = readFileSync(join(root, 'CHANGELOG.md'), 'utf8').split(/^## /m);
const section = notes.find((text) => text.split('\n', 1)[0].trim() === version);
if (!section || section.trim().split('\n').length < 2) stop(`CHANGELOG.md has nothing under "## ${version}"`);
const changed = git('status', '--porcelain', '--untracked-files=no');
if (changed && !dry) stop(`these are not committed:\n${changed}`);
if (git('tag', '--list', `v${version}`)) stop(`there is a tag v${version} already: raise version in package.json`);

/** Packs what a folder has built. @returns the tarball */
function pack(folder, destination) {
  mkdirSync(destination, { recursive: true });
  const options = ['pack', '--json', '--ignore-scripts', '--pack-destination', destination];
  const [{ filename }] = JSON.parse(run('npm', options, folder));
  return join(destination, filename);
}

rmSync(out, { recursive: true, force: true });
console.log(`release: ${label}, ${git('rev-parse', '--short', 'HEAD')}${changed ? ' with changes' : ''}`);
run(process.execPath, ['scripts/build.mjs']);
const tarball = pack(root, out);
const bytes = readFileSync(tarball);

// from the files that git has, in another folder, without what was built before
const copy = join(out, 'again');
try {
  for (const file of git('ls-files').split('\n')) {
    if (/^(test|bench|training|examples)\//.test(file)) continue; // nothing of these is packed
    cpSync(join(root, file), join(copy, file), { recursive: true, force: true });
  }
  // hard links: names of chunks tell where modules really are
  run('cp', ['-al', join(root, 'node_modules'), join(copy, 'node_modules')]);
  run(process.execPath, ['scripts/build.mjs', '--force'], copy);
  const again = readFileSync(pack(copy, join(copy, 'packed')));
  if (!again.equals(bytes)) stop(`two builds differ: ${hash('sha256', bytes)} and ${hash('sha256', again)}`);
} finally {
  rmSync(copy, { recursive: true, force: true });
}

// npm's --omit dev leaves out flatbuffers, which development uses too: the lock file tells what is published
const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
const installed = new Set(
  Object.entries(packages)
    .filter(([at, { dev, peer }]) => at && !dev && !peer)
    .map(([at, found]) => `${at.replace(/^.*node_modules\//, '')}@${found.version}`),
);
const sbom = JSON.parse(run('npm', ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only']));
const own = sbom.metadata.component['bom-ref'];
sbom.components = sbom.components.filter((component) => installed.has(component['bom-ref']));
if (sbom.components.length !== installed.size) stop(`the SBOM lacks some of ${[...installed].join(', ')}`);
sbom.dependencies = sbom.dependencies
  .filter(({ ref }) => ref === own || installed.has(ref))
  .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((on) => installed.has(on)) }));
delete sbom.serialNumber;
sbom.metadata.timestamp = git('log', '-1', '--format=%cI');
sbom.metadata.component.name = name; // npm takes the folder's
sbom.metadata.component.hashes = [{ alg: 'SHA-512', content: hash('sha512', bytes) }];
save(`${label}.cdx.json`, sbom);

const commit = git('rev-parse', 'HEAD');
const { repository } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
save(`${label}.provenance.json`, {
  _type: 'https://in-toto.io/Statement/v1',
  subject: [{ name: `pkg:npm/${name}@${version}`, digest: { sha512: hash('sha512', bytes) } }],
  predicateType: 'https://slsa.dev/provenance/v1',
  predicate: {
    buildDefinition: {
      buildType: `${repository.url.replace(/^git\+|\.git$/g, '')}/blob/main/scripts/release.mjs`,
      externalParameters: { version, command: 'node scripts/release.mjs' },
      internalParameters: { node: process.version, changed: changed !== '' },
      resolvedDependencies: [
        { uri: `${repository.url}@${commit}`, digest: { gitCommit: commit } },
        {
          name: 'package-lock.json',
          digest: { sha256: hash('sha256', readFileSync(join(root, 'package-lock.json'))) },
        },
      ],
    },
    runDetails: { builder: { id: 'scripts/release.mjs' } },
  },
});

const files = [basename(tarball), `${label}.cdx.json`, `${label}.provenance.json`];
const sums = files.map((file) => `${hash('sha256', readFileSync(join(out, file)))}  ${file}\n`).join('');
writeFileSync(join(out, 'SHA256SUMS'), sums);
console.log(sums.trimEnd());
console.log(`${sbom.components.length} packages are installed with it; both builds are the same bytes`);
console.log(
  dry ? 'dry: nothing more' : `next: git tag v${version} && npm publish ${join('release', files[0])} --provenance`,
);
