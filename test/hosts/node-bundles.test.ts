// Scripts for Node and serverless functions that esbuild makes one file of, with no configuration.
import { execFile } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { jpegFile, project, root } from './project.ts';

const script = (entry: string, model: string, imported = '') => `
import { createDetector } from '${entry}';
${imported}
async function main() {
  const detector = await createDetector(${model});
  const { detections } = await detector.detect('photo.jpg');
  console.log(detections.length, detections[0].label);
}
main().catch(({ code, message }) => console.log(code, message));
`;
const bytes = "import model from 'filigree/models/face-detection.filigree' with { type: 'bytes' };";

/** What a bundle prints, in a folder with nothing else but decoders. */
async function printed(source: string, format: 'esm' | 'cjs'): Promise<string> {
  const folder = project({ 'main.js': source, 'photo.jpg': readFileSync(jpegFile) });
  for (const name of ['@jsquash', 'wasm-feature-detect']) {
    cpSync(path.join(root, 'node_modules', name), path.join(folder, 'node_modules', name), { recursive: true });
  }
  const outfile = path.join(folder, `out/main.${format === 'esm' ? 'mjs' : 'cjs'}`);
  await build({
    absWorkingDir: folder,
    entryPoints: ['main.js'],
    bundle: true,
    platform: 'node',
    target: 'node20',
    format,
    outfile,
    logLevel: 'error',
  });
  const { stdout } = await promisify(execFile)(process.execPath, [outfile], { cwd: folder });
  return stdout.trim();
}

describe.each(['esm', 'cjs'] as const)('a bundle for Node (%s)', (format) => {
  it('runs with filigree/inline and an imported model', async () => {
    expect(await printed(script('filigree/inline', 'model', bytes), format)).toBe('5 face');
  });

  it('names filigree/inline when the wasm is left behind', async () => {
    expect(await printed(script('filigree', 'model', bytes), format)).toMatch(
      /^not-found the bundler has left Filigree's WebAssembly behind \(.*\): import from "filigree\/inline"/,
    );
  });

  it('names the import to write when the model is left behind', async () => {
    expect(await printed(script('filigree/inline', "'faces'"), format)).toMatch(
      /^not-found faces: the model is not where .* import model from 'filigree\/models\/face-detection.filigree' with/,
    );
  });
});
