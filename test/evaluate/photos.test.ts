import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { writeArtifact } from '../../src/artifact/write.ts';
import { ProgressLine } from '../../src/cli/io.ts';
import { calibrationPhotos, photoProgress, photosIn } from '../../src/evaluate/photos.ts';
import { photoSamples } from '../../src/prune.ts';
import { compileGraph, importModel } from '../../src/compile.ts';
import { decodeImage } from '../../src/images/decode.ts';
import { loadModel } from '../../src/runtime/load.ts';
import { prepared } from '../../src/prune/prepare.ts';
import { Detector } from '../../src/vision/detector.ts';
import { describeWithData } from '../data.ts';

const progress = new ProgressLine({ stderr: { isTTY: false, write: () => true } } as unknown as ConstructorParameters<
  typeof ProgressLine
>[0]);

describeWithData('photos for YOLOX-nano', 'models/yolox_nano_coco', (folder) => {
  it('are seen in four views, with regions where objects are', async () => {
    const bytes = new Uint8Array(readFileSync(`${folder}/yolox_nano.onnx`));
    const graph = prepared(importModel(bytes, 'yolox'));
    const files = await photosIn(`${folder}/../../coco-val-160/images`, 2);
    const looked: number[] = [];
    const show = photoProgress(files.length, progress);
    const found = await photoSamples(graph, compileGraph(graph), calibrationPhotos(files), {
      onPhoto: (i) => {
        looked.push(i);
        show(i);
      },
    });
    expect(looked).toEqual([0, 1]);
    const { samples, viewsPerImage, regions, comparison } = found;
    expect([samples.length, viewsPerImage, regions?.length]).toEqual([8, 4, 8]);

    const model = await loadModel(writeArtifact(compileGraph(graph)));
    const detector = await Detector.of(model, { scoreThreshold: 0.05 });
    for (const [i, file] of files.entries()) {
      const photo = await decodeImage(readFileSync(file));
      const { detections } = await detector.detect(photo);
      const seen = regions![4 * i];
      expect(seen.length).toBe(detections.length);
      expect(seen.length).toBeGreaterThan(0);
      // the picture lies at the input's top left, as large as fits
      const size = Math.max(photo.width, photo.height);
      detections.forEach(({ box }, k) => {
        const { left, top, right, bottom } = seen[k];
        expect(left + right).toBeCloseTo((box.xmin + box.xmax) / size, 2);
        expect(top + bottom).toBeCloseTo((box.ymin + box.ymax) / size, 2);
        expect(right - left).toBeCloseTo((box.xmax - box.xmin) / size / 2, 2);
        expect(bottom - top).toBeCloseTo((box.ymax - box.ymin) / size / 2, 2);
      });
    }
    const [dense, other] = [await model.run(samples[0]), await model.run(samples[4])];
    expect(comparison!(dense)(dense)).toBe(0);
    expect(comparison!(dense)(other)).toBeGreaterThan(0.5);
  });
});
