// Runtimes with files and processes: Node 20, 22 and 24, Deno and Bun, each from npm.
import { execFile } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Detection } from '../../src/index.ts';
import type { Report } from './project.ts';
import {
  expectFileFailures,
  expectReport,
  expectSameFaces,
  expectThreads,
  isInstalled,
  jpegFile,
  photo,
  project,
  root,
  facesIn,
} from './project.ts';

const run = promisify(execFile);
const modules = path.join(root, 'test/hosts/node_modules');

const entry = `
import * as filigree from 'filigree';
import { watchWorkers } from './watch.mjs';
import { readFile } from 'node:fs/promises';
import { scenario } from './scenario.mjs';

const { width, height } = JSON.parse(process.argv[2]);
const photo = { data: new Uint8Array(await readFile('photo.rgb')), width, height, channels: 3 };
const model = () => 'face.filigree';
const workers = watchWorkers(process.getBuiltinModule('node:worker_threads'));
const threads = [1, 2, 'auto'];
const report = await scenario(filigree, { model, photo, threads, workers, missing: 'missing.file', notWasm: 'package.json' });
report.named = {};
for (const name of ['objects', 'objects-small', 'faces']) {
  const detector = await filigree.createDetector(name);
  report.named[name] = (await detector.detect(photo)).detections;
  detector.dispose();
}
const classifier = await filigree.createClassifier('imagenet');
report.classified = (await classifier.classify(photo)).classifications;
classifier.dispose();
const detector = await filigree.createDetector(model());
const jpeg = await readFile('photo.jpg');
report.photos = [];
for (const source of ['photo.jpg', new URL('photo.jpg', import.meta.url), jpeg, new Blob([jpeg])]) {
  report.photos.push((await detector.detect(source)).detections);
}
detector.dispose();
const inWorker = await filigree.createDetector('faces', { worker: true });
report.worker = { found: [], ids: [] };
for (const source of ['photo.jpg', photo]) report.worker.found.push((await inWorker.detect(source)).detections);
const onResult = ({ detections }) => report.worker.ids.push(detections.map(({ id }) => id));
await inWorker.track([photo, photo], { onResult });
report.worker.failure = await inWorker.detect('missing.file').catch(({ code, message }) => ({ code, message }));
inWorker.dispose();
report.worker.disposed = await inWorker.detect(photo).catch(({ code, message }) => ({ code, message }));
const left = await filigree.createDetector('faces', { worker: true });
await left.detect(photo); // and nothing keeps the process alive
console.log(JSON.stringify(report));
`;

const hosts = [
  { name: 'this Node', command: [process.execPath] },
  { name: 'Node 22', command: [path.join(modules, 'node-22/bin/node')] },
  { name: 'Node 24', command: [path.join(modules, 'node-24/bin/node')], build: 'relaxed' },
  { name: 'Deno', command: [path.join(modules, '.bin/deno'), 'run', '--no-prompt', '--allow-read'], build: 'relaxed' },
  { name: 'Bun', command: [path.join(modules, '.bin/bun')], build: 'relaxed' },
];

describe('the package from npm', () => {
  let folder: string;
  let size: string;
  let wanted: Detection[];

  beforeAll(async () => {
    const { data, ...rest } = await photo();
    size = JSON.stringify(rest);
    folder = project({ 'entry.mjs': entry, 'photo.rgb': data, 'photo.jpg': readFileSync(jpegFile) });
    // decoders are packages of their own
    for (const name of ['@jsquash', 'wasm-feature-detect']) {
      cpSync(path.join(root, 'node_modules', name), path.join(folder, 'node_modules', name), { recursive: true });
    }
    wanted = await facesIn({ data, ...rest });
  });

  for (const { name, command, build } of hosts) {
    it.skipIf(!isInstalled(command[0]))(`finds the same faces in ${name}`, async () => {
      const [program, ...rest] = command;
      const { stdout } = await run(program, [...rest, 'entry.mjs', size], { cwd: folder });
      const report = JSON.parse(stdout) as Report;
      expectReport(report, wanted);
      expectFileFailures(report);
      expectThreads(report);
      const [first, ...others] = report.photos!;
      expect(first.length).toBe(wanted.length);
      for (const detections of others) expect(detections).toEqual(first);
      const { worker } = report;
      expectSameFaces(worker!.found[0], first);
      expectSameFaces(worker!.found[1], wanted);
      expect(worker!.ids).toEqual([
        [1, 2, 3, 4, 5],
        [1, 2, 3, 4, 5],
      ]);
      expect([worker!.failure.code, worker!.disposed.code]).toEqual(['not-found', 'disposed']);
      const named = report.named as Record<string, Detection[]>;
      expectSameFaces(named.faces, wanted);
      const classified = report.classified!;
      expect(classified.map(({ label }) => typeof label)).toEqual(Array(5).fill('string'));
      expect(classified[0].score).toBeGreaterThan(0.1);
      for (const name of ['objects', 'objects-small']) {
        expect(named[name].filter(({ label }) => label === 'person').length).toBeGreaterThan(0);
      }
      if (build) expect(report.runs[0].build).toBe(build);
    });
  }
});
