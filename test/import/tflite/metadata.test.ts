// What files say of themselves: names of classes, normalisation, licence. Whatever is wrong with it, the model is read.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { Inflate } from 'fflate';
import { describe, expect, it, vi } from 'vitest';
import { compileGraph } from '../../../src/compile.ts';
import { importTflite } from '../../../src/import/tflite/index.ts';
import { ZipArchive } from '../../../src/import/tflite/zip.ts';
import { cpuMs, expectCpuBelow } from '../../cpu.ts';
import { describeWithData } from '../../data.ts';
import { randomFloats } from '../../kernels/wasm.ts';
import { withZip, writeMetadata, type MetadataSpec, type ZipEntry } from './metadata-writer.ts';
import { ModelBuilder } from './model.ts';
import { writeTflite } from './writer.ts';

/** A classifier: x (1, 2, 2, 3) → scores (1, `classes`). */
function classifier(metadata?: Record<string, Uint8Array>, classes = 3): Uint8Array {
  const model = new ModelBuilder();
  const x = model.input('x', [1, 2, 2, 3]);
  const weights = model.floats([classes, 12], randomFloats(1)(12 * classes));
  model.output('scores', 'FULLY_CONNECTED', [x, weights, -1], [[1, classes]], { FullyConnected: {} });
  return writeTflite({ ...model, metadata });
}

const described = (spec: MetadataSpec, entries: ZipEntry[] = [], classes = 3) =>
  withZip(
    classifier({ min_runtime_version: new Uint8Array(16), TFLITE_METADATA: writeMetadata(spec) }, classes),
    entries,
  );

function read(file: Uint8Array): { tflite: unknown; notes: string[] } {
  const { metadata, notes } = importTflite(file, 'net.tflite');
  return { tflite: metadata.tflite, notes };
}

const labels = { name: 'labels.txt', data: 'ant\nbee\ncat\n' };
const labelled: MetadataSpec = { outputFiles: [[{ name: 'labels.txt' }]] };

describe('metadata', () => {
  it('has the name, author and licence of the model', () => {
    const texts = { name: 'Net', description: 'Tells insects apart.', version: '2', author: 'A.', license: 'MIT' };
    expect(read(described(texts))).toEqual({ tflite: texts, notes: [] });
    expect(read(classifier())).toEqual({ tflite: undefined, notes: [] });
  });

  it.each([
    ['stored', false, {}],
    ['deflated', true, {}],
    ['with offsets from its own start', true, { fromFile: false }],
    ['with a comment', true, { comment: 'made by hand PK\x05\x06' }],
  ])('names the classes by a label file in an archive, %s', (_, deflate, options) => {
    const file = classifier({ TFLITE_METADATA: writeMetadata(labelled) });
    const entries = [
      { name: 'about.txt', data: 'no label' },
      { ...labels, deflate },
    ];
    expect(read(withZip(file, entries, options))).toEqual({ tflite: { labels: ['ant', 'bee', 'cat'] }, notes: [] });
  });

  it('takes labels of no language first, of outputs before the model', () => {
    const entries = ['de', 'en', 'all', 'vocabulary'].map((name) => ({ name, data: `${name}\n` }));
    const files = [{ name: 'vocabulary', type: 5 }, { name: 'de', locale: 'de' }, { name: 'en' }];
    expect(read(described({ outputFiles: [files], files: [{ name: 'all' }] }, entries)).tflite).toEqual({
      labels: ['en'],
    });
    expect(read(described({ outputFiles: [[]], files: [{ name: 'all', type: 3 }] }, entries)).tflite).toEqual({
      labels: ['all'],
    });
    expect(read(described({ outputFiles: [files.slice(0, 2)] }, entries)).tflite).toEqual({ labels: ['de'] });
  });

  it('takes the one label file where nothing says which', () => {
    expect(read(withZip(classifier(), [labels])).tflite).toEqual({ labels: ['ant', 'bee', 'cat'] });
    expect(read(withZip(classifier(), [labels, { ...labels, name: 'labels_de.txt' }])).tflite).toBeUndefined();
  });

  it.each([
    [
      'temp_meta.txt',
      `{'description': 'Ultralytics YOLOv8n model', 'task': 'detect', 'names': {0: 'ant', 1: "bee's", 2: 'cat'}}`,
    ],
    [
      'metadata.json',
      '{"description": "Ultralytics YOLOv8n model", "task": "detect", "names": {"0": "ant", "1": "bee\'s", "2": "cat"}}',
    ],
  ])('reads the metadata that Ultralytics writes into %s', (name, data) => {
    expect(read(withZip(classifier(), [{ name, data, deflate: true }]))).toEqual({
      tflite: { description: 'Ultralytics YOLOv8n model', task: 'detect', labels: ['ant', "bee's", 'cat'] },
      notes: [],
    });
  });

  it('takes what Ultralytics says before its own file as labels', () => {
    const data = `{'task': 'pose', 'kpt_shape': [17, 3], 'names': {0: 'person'}}`;
    const file = described({ outputFiles: [[{ name: 'temp_meta.txt' }]] }, [{ name: 'temp_meta.txt', data }]);
    expect(read(file)).toEqual({ tflite: { task: 'pose', keypointShape: '[17, 3]', labels: ['person'] }, notes: [] });
  });

  it('says how a classifier wants its photos, and how its classes are called', () => {
    const file = described({ ...labelled, normalization: { mean: [1, 2, 3], std: [2] } }, [labels]);
    const { metadata } = compileGraph(importTflite(file, 'net.tflite'));
    expect(metadata.vision).toEqual({
      task: 'classify',
      preprocessing: {
        width: 2,
        height: 2,
        resize: 'stretch',
        padValue: 0,
        order: 'RGB',
        scale: [0.5, 0.5, 0.5],
        offset: [-0.5, -1, -1.5],
      },
      labels: ['ant', 'bee', 'cat'],
    });
  });

  it('leaves out labels that do not fit, and a background in front', () => {
    const vision = (data: string) => {
      const file = described({ ...labelled, normalization: { mean: [0], std: [1] } }, [{ ...labels, data }]);
      return compileGraph(importTflite(file, 'net.tflite')).metadata.vision;
    };
    expect(vision('ant\nbee\n')).not.toHaveProperty('labels');
    expect(vision('background\nant\nbee\ncat\n')).toMatchObject({ labels: ['ant', 'bee', 'cat'] });
  });

  it.each([
    [{ mean: [], std: [1] }],
    [{ mean: [0, 0], std: [1] }],
    [{ mean: [0], std: [0] }],
    [{ mean: [NaN], std: [1] }],
  ])('does without a normalisation of %j', (normalization) => {
    const { tflite, notes } = read(described({ name: 'Net', normalization }));
    expect(tflite).toEqual({ name: 'Net' });
    expect(notes).toEqual([expect.stringMatching(/^the input's normalization cannot be read and is ignored: mean/)]);
  });
});

describe('metadata that is broken', () => {
  const whole = writeMetadata({ name: 'Net', ...labelled });
  const note = (file: Uint8Array) => {
    const { tflite, notes } = read(file);
    expect(notes).toHaveLength(1);
    expect(tflite === undefined || !Object.hasOwn(tflite as object, 'labels')).toBe(true);
    return notes[0];
  };

  it.each([
    ['of another identifier', writeMetadata({ name: 'Net' }, 'M002'), 'wanted the identifier M001, found "M002"'],
    ['that is empty', new Uint8Array(0), 'wanted the identifier M001, found ""'],
    ['whose root lies outside', Uint8Array.from(whole, (byte, i) => (i < 4 ? 0xff : byte)), 'lies outside'],
  ])('%s is left out', (_, data, message) => {
    const text = note(classifier({ TFLITE_METADATA: data }));
    expect(text).toContain("the model's metadata (TFLITE_METADATA) cannot be read and is ignored");
    expect(text).toContain(message);
  });

  it('cut anywhere, is left out or read in part', () => {
    for (let length = 0; length < whole.length; length++) {
      expect(() => read(classifier({ TFLITE_METADATA: whole.slice(0, length) }))).not.toThrow();
    }
  });

  it('with any byte changed, stops nothing', () => {
    for (let at = 0; at < whole.length; at++) {
      for (const value of [0, 0x7f, 0xff]) {
        const changed = whole.with(at, value);
        expect(() => read(classifier({ TFLITE_METADATA: changed }))).not.toThrow();
      }
    }
  });

  const zip = (entry: Partial<ZipEntry>) => described(labelled, [{ ...labels, ...entry }]);
  it.each([
    ['names no file there', described(labelled, [{ ...labels, name: 'names.txt' }]), '"labels.txt" is not among it'],
    ['is encrypted', zip({ forged: { flags: 1 } }), '"labels.txt" is encrypted'],
    ['is packed in another way', zip({ forged: { method: 9 } }), 'compression method 9'],
    ['begins elsewhere', zip({ forged: { at: 7 } }), 'no entry begins at byte 7'],
    ['begins beyond the file', zip({ forged: { at: 0xfffffff0 } }), 'no entry begins at byte 4294967280'],
    ['runs into the directory', zip({ forged: { compressedBytes: 5000 } }), 'runs into the directory'],
    ['has a wrong checksum', zip({ forged: { crc: 1 } }), 'its checksum is wrong'],
    ['has a wrong size', zip({ forged: { bytes: 11 } }), '12 bytes; the directory says 11'],
    ['is larger than it says', zip({ deflate: true, forged: { bytes: 11 } }), 'it inflates to more than the 11 bytes'],
    ['is smaller than it says', zip({ deflate: true, forged: { bytes: 13 } }), '12 bytes; the directory says 13'],
    ['is no deflated data', zip({ data: new Uint8Array(64).fill(0xff), forged: { method: 8 } }), 'ignored: '],
    ['is too large', zip({ data: 'a\n'.repeat(2 ** 20) }), '2097152 bytes; at most 1048576 are read'],
    ['has too many lines', zip({ data: 'a\n'.repeat(65537) }), 'more than 65536 labels'],
    ['is no text', zip({ data: new Uint8Array(9) }), 'not a text file'],
    ['is empty', zip({ data: '' }), 'the file is empty'],
  ])('a label file that %s is left out', (_, file, message) => {
    expect(note(file)).toContain('what is appended to the model cannot be read and is ignored');
    expect(note(file)).toContain(message);
  });

  it('a zip bomb is inflated no further than it says', () => {
    // A thousand to one; 1 MB of it would be 1 GB.
    const bomb = zip({ data: new Uint8Array(64 * 2 ** 20).fill(0x61), deflate: true, forged: { bytes: 2 ** 20 } });
    const push = vi.spyOn(Inflate.prototype, 'push');
    expect(note(bomb)).toContain('it inflates to more than the 1048576 bytes');
    // 4096 compressed bytes at a time, of 65 thousand; each gives a thousand
    expect(push).toHaveBeenCalledTimes(1);
    push.mockRestore();
  });

  it.each([
    ['labels.txt', `1${' '.repeat(500_000)}x\u2028y`],
    ['labels.txt', '1 '.repeat(500_000)],
    ['metadata.json', '"names": {'.repeat(100_000)],
    ['metadata.json', `"task": '${'a"task": '.repeat(100_000)}`],
    ['metadata.json', `"names": {${'"1": "a", '.repeat(100_000)}}`],
  ])('a file %s that looks like one thousands of times costs little (%#)', (name, data) => {
    const file = withZip(classifier(), [{ name, data, deflate: true }]);
    const start = cpuMs();
    expect(() => read(file)).not.toThrow();
    expectCpuBelow(start, 1000);
  });

  it('an archive that is cut has no end, and counts for nothing', () => {
    const file = described(labelled, [{ ...labels, deflate: true }]);
    for (let length = described(labelled).length; length < file.length; length++) {
      expect(note(file.slice(0, length))).toContain('"labels.txt" is not among it');
    }
  });

  it('an archive with any byte changed stops nothing', () => {
    const model = classifier({ TFLITE_METADATA: writeMetadata(labelled) });
    const file = withZip(model, [{ ...labels, deflate: true }]);
    for (let at = model.length; at < file.length; at++) {
      for (const value of [0, 0x7f, 0xff, file[at] ^ 1]) {
        const changed = file.slice();
        changed[at] = value;
        expect(() => read(changed)).not.toThrow();
      }
    }
  });

  it('an archive of anything is read or refused', () => {
    const end = withZip(new Uint8Array(0), []);
    const size = fc.oneof(fc.nat(200), fc.integer({ min: 0, max: 2 ** 32 - 1 }));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(3), size, size, (data, count, bytes, at) => {
        const file = new Uint8Array([...data, ...end]);
        const view = new DataView(file.buffer, data.length);
        view.setUint16(8, count, true);
        view.setUint16(10, count, true);
        view.setUint32(12, bytes, true);
        view.setUint32(16, at, true);
        try {
          const archive = new ZipArchive(file);
          for (const name of archive.names) archive.read(name, 1000);
        } catch (error) {
          expect((error as Error).constructor).toBe(Error); // not a RangeError of a DataView
        }
      }),
      { numRuns: 2000, seed: 1 },
    );
  });

  it('more entries than anybody writes are refused', () => {
    const many = Array.from({ length: 1025 }, (_, i) => ({ name: `${i}`, data: '' }));
    expect(note(described({}, many))).toContain('the archive has 1025 entries; at most 1024 are read');
  });
});

describeWithData('published metadata', 'models/mobilenet_v2_1.0_224', (folder) => {
  it.each(['mobilenet_v2_1.0_224_quant.tflite', 'tf2_mobilenet_v2_1.0_224_ptq.tflite'])('%s is read', (name) => {
    const graph = importTflite(readFileSync(`${folder}/${name}`), name);
    const lines = readFileSync(`${folder}/imagenet_labels.txt`, 'utf8').trimEnd().split('\n');
    expect(lines).toHaveLength(1001);
    expect(graph.metadata.tflite).toEqual({
      name: 'ImageClassifier',
      description: 'Identify the most prominent object in the image from a known set of categories.',
      normalization: { mean: [127.5], std: [127.5] },
      labels: lines,
    });
    expect(compileGraph(graph).metadata.vision).toMatchObject({ task: 'classify', labels: lines });
  });
});
