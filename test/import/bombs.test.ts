// What asks for much ends soon, with a result or an error, and takes little.
import { describe, expect, it } from 'vitest';
import { writeArtifact } from '../../src/artifact/write.ts';
import { compileGraph } from '../../src/compile.ts';
import { FiligreeError } from '../../src/errors.ts';
import { importOnnx } from '../../src/import/onnx/index.ts';
import { importTflite } from '../../src/import/tflite/index.ts';
import { cpuMs, expectCpuBelow } from '../cpu.ts';
import { bombs } from './bombs.ts';

describe('a small file that asks for much', () => {
  it.each(bombs)('is refused or compiled soon: $format, $name', ({ format, bytes }) => {
    const file = bytes();
    const [before, peakBefore] = [process.memoryUsage.rss(), process.resourceUsage().maxRSS * 1024];
    const start = cpuMs();
    try {
      writeArtifact(compileGraph(format === 'onnx' ? importOnnx(file, 'bomb') : importTflite(file, 'bomb')));
    } catch (error) {
      if (!(error instanceof FiligreeError)) throw error;
    }
    // 2 s where nothing else runs; caches are others' too
    expectCpuBelow(start, 4000);
    const peak = process.resourceUsage().maxRSS * 1024;
    if (peak > peakBefore) expect(peak - before).toBeLessThan(512 * 2 ** 20);
  });
});
