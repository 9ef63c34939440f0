// The command line as tests call it: in this process, its streams kept.
import { expect } from 'vitest';
import { main } from '../../src/cli/program.ts';

export interface Result {
  code: number;
  out: string;
  err: string;
}

/** The version that `--version` prints here. */
export const version = '1.2.3';

/** `filigree`, with the default model of `detect`, which the names of models stand for too. */
export function commandLine(defaultModel = () => '') {
  async function filigree(...argv: string[]): Promise<Result> {
    const written = { out: '', err: '' };
    const code = await main(argv, {
      stdout: { write: (text) => (written.out += text) },
      stderr: { write: (text) => (written.err += text) },
      now: () => 0, // busy machines take longer than what leaves lines
      debug: false,
      version,
      defaultModel: defaultModel(),
      shippedModels: { faces: defaultModel(), imagenet: defaultModel() },
    });
    return { code, ...written };
  }

  /** What `--json` prints. */
  async function json<T = Record<string, never>>(...argv: string[]): Promise<T> {
    const { code, out, err } = await filigree(...argv, '--json');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    return JSON.parse(out) as T;
  }

  return { filigree, json, refused: async (...argv: string[]) => refusal(await filigree(...argv)) };
}

/** The one line on stderr, `filigree: …`, of a command that failed and printed nothing else. */
export function refusal({ code, out, err }: Result): string {
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(err).toMatch(/^filigree: [^\n]+\n$/);
  expect(err).not.toContain('unexpected;');
  return err.slice('filigree: '.length, -1);
}
