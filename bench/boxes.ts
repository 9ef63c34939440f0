// How much do boxes of an eight-bit detector differ between builds, and from those of its floats? Prints the table of docs/numerics.md:
//
//   node scripts/run.mjs bench/boxes.ts NETWORK.onnx PHOTOS [count]
//
// NETWORK is what `objects` was made of.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { compileModel } from '../src/compile.ts';
import type { Detection } from '../src/index.ts';
import { createDetector } from '../src/index.ts';
import { overlap } from '../test/overlap.ts';

const [network, folder, count = '60'] = process.argv.slice(2);
if (!folder) throw new Error('usage: node scripts/run.mjs bench/boxes.ts NETWORK.onnx PHOTOS [count]');
const floats = compileModel(new Uint8Array(readFileSync(network)), { name: 'floats' });
const bytes = new Uint8Array(readFileSync(path.join(import.meta.dirname, '../models/objects.filigree')));
const threshold = 0.4;

/** What is found in each photo, down to scores a quarter of the threshold. */
async function found(model: Uint8Array, build: 'simd' | 'relaxed'): Promise<Detection[][]> {
  const detector = await createDetector(model, { build, scoreThreshold: threshold / 4 });
  const all: Detection[][] = [];
  for (const file of readdirSync(folder).toSorted().slice(0, Number(count)))
    all.push((await detector.detect(path.join(folder, file))).detections);
  detector.dispose();
  return all;
}

const quantile = (sorted: readonly number[], share: number) => sorted[Math.floor((sorted.length - 1) * share)];

/** Each box over the threshold, and the one of its kind that overlaps it most. */
function compare(some: Detection[][], others: Detection[][]): (string | number)[] {
  const overlaps: number[] = [];
  const differences: number[] = [];
  some.forEach((detections, photo) => {
    for (const detection of detections.filter(({ score }) => score >= threshold)) {
      const same = others[photo].filter(({ label }) => label === detection.label);
      const [best] = same.toSorted((a, b) => overlap(b, detection) - overlap(a, detection));
      overlaps.push(best ? overlap(best, detection) : 0);
      differences.push(Math.abs((best?.score ?? 0) - detection.score));
    }
  });
  overlaps.sort((a, b) => a - b);
  differences.sort((a, b) => a - b);
  return [
    overlaps.length,
    ...[0, 0.01, 0.5].map((share) => quantile(overlaps, share).toFixed(3)),
    ...[0.5, 1].map((share) => quantile(differences, share).toFixed(3)),
  ];
}

const int8 = { simd: await found(bytes, 'simd'), relaxed: await found(bytes, 'relaxed') };
const f32 = { simd: await found(floats, 'simd'), relaxed: await found(floats, 'relaxed') };
const rows = {
  'int8, `simd` and `relaxed`': compare(int8.simd, int8.relaxed),
  'f32, `simd` and `relaxed`': compare(f32.simd, f32.relaxed),
  'int8 and f32': compare(int8.simd, f32.simd),
};
for (const [name, cells] of Object.entries(rows)) console.log(`| ${[name, ...cells].join(' | ')} |`);
