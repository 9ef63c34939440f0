import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Cell } from '../../bench/pruning/cells.ts';
import { cellsOf, idOf, patternOf } from '../../bench/pruning/cells.ts';
import { networks } from '../../bench/pruning/networks.ts';
import type { NetworkName } from '../../bench/pruning/networks.ts';
import type { CellResult } from '../../bench/pruning/store.ts';
import { Store } from '../../bench/pruning/store.ts';
import { between, networkTable, wireTable } from '../../bench/pruning/tables.ts';
import { patternNamed } from '../../src/prune.ts';

const cell: Cell = {
  network: 'mobilenet-v2',
  pattern: 'group2+',
  criterion: 'magnitude',
  distribution: 'uniform',
  sparsity: 0.5,
};

const result = (changes: Partial<CellResult>): CellResult => {
  const whole = { ...cell, ...changes };
  return {
    ...whole,
    id: idOf(whole),
    accuracy: 0.8,
    images: 500,
    photos: 64,
    zeros: 0.5,
    allZeros: 0.3,
    bytes: 100,
    predictedMs: { before: 2, after: 1 },
    seconds: { search: 0, prune: 1, evaluate: 1 },
    notes: [],
    ...changes,
  };
};

describe('cells', () => {
  const all = (Object.keys(networks) as NetworkName[]).flatMap((name) => [...cellsOf(name)]);

  it('are all there is for unstructured zeros, and have names of their own', () => {
    expect(all.filter(({ pattern }) => pattern === 'unstructured').length).toBe(3 * 27);
    expect(new Set(all.map(idOf)).size).toBe(all.length);
    for (const id of all.map(idOf)) expect(id).toMatch(/^[\w+-]+$/);
  });

  it('have existing patterns, with N:M close to the requested sparsity', () => {
    for (const one of all) {
      const { pattern, own } = patternOf(one);
      const { sparsity } = patternNamed(pattern);
      if (own) expect(Math.abs(sparsity! - one.sparsity)).toBeLessThan(0.02);
      else expect(sparsity).toBeUndefined();
    }
  });
});

describe('results', () => {
  let folder: string;
  beforeAll(async () => void (folder = await mkdtemp(path.join(tmpdir(), 'filigree-pruning-'))));
  afterAll(() => rm(folder, { recursive: true }));

  it('are kept line by line, and a line that was cut off is none', async () => {
    const store = await Store.open(path.join(folder, 'results'));
    expect(await store.read('cells')).toEqual([]);
    await store.add('cells', result({}));
    await store.add('cells', { ...cell, id: 'x', failure: 'why' });
    const file = path.join(folder, 'results/cells.jsonl');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.slice(0, -5));
    expect(await store.read('cells')).toEqual([result({})]);
  });
});

describe('tables', () => {
  it('show the latest accuracy, how much faster it was, and what is missing', () => {
    const cells = [
      result({ accuracy: 0.1 }),
      result({}),
      result({ criterion: 'second-order', accuracy: 0.85 }),
      { ...cell, sparsity: 0.7, id: idOf({ ...cell, sparsity: 0.7 }), failure: 'why' },
    ];
    const timed = { network: 'mobilenet-v2', ms: 8, denseMs: 10, node: 'v20', build: 'simd', rounds: 3 } as const;
    const text = networkTable('mobilenet-v2', {
      dense: [{ network: 'mobilenet-v2', accuracy: 0.872, images: 500 }],
      cells,
      speed: [{ ...timed, id: cells[1].id }],
      wire: [],
    });
    expect(text).toContain('**MobileNetV2, top-1; dense 87.2**');
    expect(text.split('\n').at(-1)).toBe(
      '| groups of 2, rearranged, uniform | – | – | – | – | – | 80.0 | 85.0 | 1.25× | – | – | – | – |',
    );
  });

  it('show the sizes of files', () => {
    const line = { network: 'yolox-nano', weights: 'int8', accuracy: 0.3, images: 160, loadMs: 3 } as const;
    const wire = [{ ...line, bytes: 1.07e6, brotli: 8.5e5 }];
    const rows = wireTable({ dense: [], cells: [], speed: [], wire }).split('\n');
    expect(rows[0]).toBe('| weights saved as | YOLOX-nano, AP | file (brotli) |');
    expect(rows[4]).toBe('| int8, a scale a row | 30.0 | 1.07 (0.85) MB |');
  });

  it('go between the markers of the README', () => {
    const readme = 'a\n<!-- one -->\nold\n<!-- end of one -->\nb';
    expect(between(readme, 'one', 'new')).toBe('a\n<!-- one -->\n\nnew\n\n<!-- end of one -->\nb');
    expect(() => between('nothing', 'one', 'new')).toThrow(/lacks/);
  });
});
