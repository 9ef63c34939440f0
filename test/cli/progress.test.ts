import { expect, it } from 'vitest';
import { ProgressLine } from '../../src/cli/io.ts';

function shown(isTTY: boolean, calls: [ms: number, text: string][]): string {
  let written = '';
  let now = 5000;
  const start = now;
  const line = new ProgressLine({ stderr: { write: (text) => (written += text), isTTY }, now: () => now });
  for (const [ms, text] of calls) {
    now = start + ms;
    line.show(text);
  }
  line.clear();
  return written;
}

it('progress is one line of a terminal, written over', () => {
  expect(
    shown(true, [
      [0, 'a'],
      [1, 'b'],
    ]),
  ).toBe('\r\x1b[Ka\r\x1b[Kb\r\x1b[K');
});

it('progress elsewhere is a line every 10 s, and none of short work', () => {
  expect(
    shown(false, [
      [0, 'a'],
      [9999, 'b'],
    ]),
  ).toBe('');
  const calls = Array.from({ length: 36 }, (_, i): [number, string] => [
    1000 * i,
    `pruning [███░░░] ${i}/36, 3 s left`,
  ]);
  expect(shown(false, calls)).toBe('pruning 10/36, 3 s left\npruning 20/36, 3 s left\npruning 30/36, 3 s left\n');
});
