import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { main } from '../../src/cli/program.ts';

let directory: string;
beforeAll(async () => void (directory = await mkdtemp(join(tmpdir(), 'filigree-cli-'))));
afterAll(() => rm(directory, { recursive: true }));

const fullRange = 'node_modules/@mediapipe/face_detection/face_detection_full_range_sparse.tflite';

async function filigree(...argv: string[]) {
  const written = { out: '', err: '' };
  const code = await main(argv, {
    stdout: { write: (text) => (written.out += text) },
    stderr: { write: (text) => (written.err += text) },
    debug: false,
    version: '1.2.3',
    defaultModel: fullRange,
  });
  return { code, ...written };
}

/** One line on stderr, `filigree: …`, and nothing on stdout. */
function refusal({ code, out, err }: Awaited<ReturnType<typeof filigree>>): string {
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(err).toMatch(/^filigree: [^\n]+\n$/);
  return err.slice('filigree: '.length, -1);
}

describe('filigree', () => {
  it('prints help and its version', async () => {
    const help = await filigree('--help');
    expect(help.code).toBe(0);
    for (const command of ['detect', 'run', 'compile', 'inspect', 'profile']) {
      expect(help.out).toContain(`  ${command} `);
      const { code, out } = await filigree(command, '--help');
      expect(code).toBe(0);
      expect(out).toContain(`Usage: filigree ${command}`);
      expect(out).toContain('--json');
    }
    expect(await filigree('--version')).toMatchObject({ code: 0, out: '1.2.3\n' });
  });

  it('exits with 2 when it is called wrongly, and says how to call it', async () => {
    const nothing = await filigree();
    expect(nothing.code).toBe(2);
    expect(nothing.err).toContain('Usage: filigree');
    const noPhoto = await filigree('detect');
    expect(noPhoto.code).toBe(2);
    expect(noPhoto.err).toContain('Usage: filigree detect [options] PHOTO…');
    for (const argv of [
      ['frobnicate'],
      ['detect', 'a.jpg', '--shout'],
      ['detect', 'a.jpg', '--score-threshold', '1.5'],
      ['detect', 'a.jpg', '--score-threshold', ''],
      ['detect', 'a.jpg', '--max-results', '0'],
      ['detect', 'a.jpg', 'b.jpg', '--save', 'out.png'],
      ['compile', 'a.tflite'],
      ['inspect'],
      ['inspect', 'a', 'b'],
      ['profile', 'a', '--runs', '1.5'],
      ['profile', 'a', '--build', 'fast'],
    ]) {
      const { code, out, err } = await filigree(...argv);
      expect({ argv, code, out }).toEqual({ argv, code: 2, out: '' });
      expect(err).toMatch(/^filigree: [^\n]+\n(\(Did you mean [^\n]+\n)?\n?Try "filigree [^\n]*--help".\n$/);
    }
  });
});

describe('bad files', () => {
  it('are named, in one line', async () => {
    const text = join(directory, 'notes.txt');
    await writeFile(text, 'Dear all,\nplease find enclosed\n');
    const empty = join(directory, 'empty');
    await writeFile(empty, '');
    for (const command of ['inspect', 'profile', 'run']) {
      expect(refusal(await filigree(command, '/nowhere/x.filigree'))).toBe(
        '/nowhere/x.filigree: no such file or directory',
      );
      expect(refusal(await filigree(command, text))).toContain(`${text}: not a`);
      expect(refusal(await filigree(command, empty))).toContain(`${empty}: not a`);
      expect(refusal(await filigree(command, directory))).toBe(`${directory}: is a directory`);
    }
    const out = join(directory, 'out.filigree');
    expect(refusal(await filigree('compile', text, '-o', out))).toContain(`${text}: not a TFLite model`);
    expect(await readdir(directory)).not.toContain('out.filigree');
  });
});
