import { readFileSync } from 'node:fs';
import { expect, describe, it } from 'vitest';
import { parseLabels } from '../../src/formats/label-file.ts';
import { dataPath, describeWithData } from '../data.ts';

describe('parseLabels', () => {
  it.each([
    ['cat\ndog\n', ['cat', 'dog']],
    ['\uFEFFcat\r\n dog \r\n\r\n\n', ['cat', 'dog']],
    ['cat\n\ndog', ['cat', '', 'dog']],
    ['0 background\n1 tench, Tinca tinca\n', ['background', 'tench, Tinca tinca']],
    ['0  person\n1: bicycle\n2,car\n3\ttrain\n', ['person', 'bicycle', 'car', 'train']],
    ['3 dog\n1 cat', ['', 'cat', '', 'dog']],
    ['3 dog\ncat', ['3 dog', 'cat']],
    ['n01440764 tench\nn01443537 goldfish', ['tench', 'goldfish']],
    ['2020\n2021', ['2020', '2021']],
  ])('reads %j', (text, labels) => {
    expect(parseLabels(text, 'l.txt')).toEqual(labels);
  });

  it.each([
    ['', 'l.txt: line 1: wanted one name per line; the file is empty'],
    ['\n \n', 'l.txt: line 1: wanted one name per line; the file is empty'],
    ['0 cat\n1 dog\n\n0 cow', 'l.txt: line 4: class 0 is on line 1 already'],
    ['0 cat\n99999999 dog', 'l.txt: line 2: class 99999999: wanted less than 65536'],
    ['cat\n\0\0', 'l.txt: line 2: not a text file'],
  ])('refuses %j', (text, message) => {
    expect(() => parseLabels(text, 'l.txt')).toThrow(message);
  });
});

describeWithData('imagenet_labels.txt', 'models/mobilenet_v2_1.0_224/imagenet_labels.txt', (file) => {
  it('has 1001 names', () => {
    const labels = parseLabels(readFileSync(file, 'utf8'), file);
    expect(labels).toHaveLength(1001);
    expect([labels[0], labels[1], labels[389], labels[1000]]).toEqual([
      'background',
      'tench, Tinca tinca',
      'giant panda, panda, panda bear, coon bear, Ailuropoda melanoleuca',
      'toilet tissue, toilet paper, bathroom tissue',
    ]);
    expect(
      parseLabels(readFileSync(dataPath('models/mobilenet_v1_1.0_224_quant/imagenet_labels.txt'), 'utf8'), 'l'),
    ).toEqual(labels);
  });
});
