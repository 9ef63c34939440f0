// The classifier that comes with the package.
import { readFileSync } from 'node:fs';
import v8 from 'node:v8';
import { describe, expect, it } from 'vitest';
import { decodeImage } from '../../src/images/decode.ts';
import { createClassifier, createDetector } from '../../src/vision/create.ts';
import { dataPath, describeWithData } from '../data.ts';

v8.setFlagsFromString('--experimental-wasm-relaxed-simd'); // which Node 20 hides

const artifact = new Uint8Array(readFileSync(new URL('../../models/imagenet.filigree', import.meta.url)));
const people = new URL('../../node_modules/@vladmandic/face-api/demo/sample5.jpg', import.meta.url);

describe('imagenet', () => {
  it('says all of itself: nothing is assumed', async () => {
    const classifier = await createClassifier(artifact);
    expect(classifier.notes).toEqual([]);
    expect([classifier.classes, classifier.labels[0], classifier.labels[1]]).toEqual([1001, 'background', 'tench']);
    classifier.dispose();
  });

  it('gives probabilities, best first, and the same ones in both builds', async () => {
    const photo = await decodeImage(readFileSync(people));
    const [simd, relaxed] = await Promise.all(
      (['simd', 'relaxed'] as const).map(async (build) => {
        const classifier = await createClassifier(artifact, { build, topK: 1001 });
        const { classifications } = await classifier.classify(photo);
        classifier.dispose();
        return classifications.map(({ score }) => score);
      }),
    );
    expect(simd.reduce((sum, score) => sum + score, 0)).toBeCloseTo(1, 3);
    expect(simd).toEqual(simd.toSorted((x, y) => y - x));
    expect(Math.max(...simd.map((score, i) => Math.abs(score - relaxed[i])))).toBeLessThan(0.02);
  });

  it.each(['simd', 'relaxed'] as const)('finds the ball on a photograph of a game (%s)', async (build) => {
    const classifier = await createClassifier(artifact, { build });
    const photo = await decodeImage(readFileSync(new URL('../../docs/objects.jpg', import.meta.url)));
    const [best] = (await classifier.classify(photo)).classifications;
    expect(best).toMatchObject({ label: 'soccer ball', classIndex: 806 });
    classifier.dispose();
  });

  it('is not a detector, and a detector is no classifier', async () => {
    await expect(createDetector('imagenet')).rejects.toThrow("imagenet is a classifier: createClassifier('imagenet')");
    for (const name of ['objects', 'objects-small', 'faces'])
      await expect(createClassifier(name)).rejects.toThrow(`${name} is a detector: createDetector('${name}')`);
  });
});

describeWithData('imagenet on photographs', 'imagenet-500', () => {
  it.each(['simd', 'relaxed'] as const)('names most of sixty as people did (%s)', async (build) => {
    const rows = readFileSync(dataPath('imagenet-500/labels.csv'), 'utf8').split('\n').slice(1, 61);
    const classifier = await createClassifier(artifact, { build });
    let right = 0;
    for (const row of rows) {
      const [image, label] = row.split(',');
      const photo = await decodeImage(readFileSync(dataPath(`imagenet-500/images/${image}`)));
      const [best] = (await classifier.classify(photo)).classifications;
      right += Number(best.classIndex === Number(label) + 1);
    }
    classifier.dispose();
    expect(right).toBeGreaterThanOrEqual(48); // 86.4 % of all 500
  });
});
