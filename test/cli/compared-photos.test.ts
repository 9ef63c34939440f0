import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { expect, it } from 'vitest';
import { comparePhotos } from '../../src/cli/report/compared-photos.ts';
import { compileGraph, importModel } from '../../src/compile.ts';
import { photosIn } from '../../src/evaluate/photos.ts';
import { prune } from '../../src/prune.ts';
import { describeWithData } from '../data.ts';

describeWithData('photos compared', 'models/yolox_nano_coco', (folder) => {
  it('are those with findings, before and after', async () => {
    const bytes = new Uint8Array(readFileSync(`${folder}/yolox_nano.onnx`));
    const dense = compileGraph(importModel(bytes, 'yolox'));
    const { graph } = await prune(importModel(bytes, 'yolox'), { sparsity: 0.6, criterion: 'magnitude' });
    const files = await photosIn(`${folder}/../../coco-train-294/images`, 4);
    const photos = await comparePhotos({ dense, pruned: compileGraph(graph) }, files);
    const names = files.map((file) => basename(file));
    expect(photos.length).toBeGreaterThan(1);
    expect(names).toEqual(expect.arrayContaining(photos.map(({ name }) => name)));
    const boxes = photos.flatMap(({ before }) => before);
    const left = photos.flatMap(({ after }) => after);
    expect(boxes.length).toBeGreaterThan(photos.length - 1);
    expect(left.length).toBeLessThan(boxes.length); // untrained zeros cost most of what is found
    for (const { before, width, height, thumbnail } of photos) {
      expect([...thumbnail.subarray(0, 3)]).toEqual([255, 216, 255]);
      for (const { box } of before) {
        expect(Math.min(box.xmin, box.ymin, width - box.xmax, height - box.ymax)).toBeGreaterThanOrEqual(0);
      }
    }
  });
});

describeWithData('photos for a classifier', 'models/mobilenet_v2_1.0_224', (folder) => {
  it('are not compared', async () => {
    const bytes = new Uint8Array(readFileSync(`${folder}/mobilenetv2_float32.onnx`));
    const program = compileGraph(importModel(bytes, 'mobilenet'));
    const files = await photosIn(`${folder}/../../coco-train-294/images`, 1);
    expect(await comparePhotos({ dense: program, pruned: program }, files)).toEqual([]);
  });
});
