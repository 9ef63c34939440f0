import type { ProgressDisplay } from '../evaluate/progress.ts';

/** An output stream. `isTTY` streams get progress. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

/** What a command uses of its process. */
export interface Io {
  readonly stdout: Output;
  readonly stderr: Output;
  /** Milliseconds, from any moment on; the process's clock if not given. */
  readonly now?: () => number;
  /** Whether errors include their stack. */
  readonly debug: boolean;
  readonly version: string;
  /** Path of the artifact that `detect` uses by default. */
  readonly defaultModel: string;
  /** Paths of the artifacts in the package, by their names for `--model`. */
  readonly shippedModels: Readonly<Record<string, string>>;
  /** The module that processes of bulk runs start with; where there is none, this process does all. */
  readonly bulkWorker?: URL;
}

/** Exit codes of commands. */
export const exitCodes = { ok: 0, failed: 1, usage: 2 } as const;

/** How often long work says where it is where no terminal shows it, in ms. */
const lineInterval = 10_000;

/**
 * One status line on stderr. On a terminal it is overwritten by the next and cleared at the end; elsewhere, in a log, work
 * of more than 10 s leaves a line every 10 s.
 */
export class ProgressLine implements ProgressDisplay {
  private readonly output: Output;
  private readonly now: () => number;
  private last: number;

  constructor({ stderr, now = () => performance.now() }: Pick<Io, 'stderr' | 'now'>) {
    this.output = stderr;
    this.now = now;
    this.last = now();
  }

  show(text: string): void {
    if (this.output.isTTY) this.output.write(`\r\x1b[K${text}`);
    else if (this.now() - this.last >= lineInterval) {
      this.last = this.now();
      this.output.write(`${text.replace(/\[[█░]*\] ?/g, '')}\n`);
    }
  }

  clear(): void {
    if (this.output.isTTY) this.output.write('\r\x1b[K');
  }
}

export function writeJson(io: Io, value: unknown): void {
  io.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** `filigree: message`, in one line; followed by the stack when debugging. */
export function reportError(io: Io, error: unknown): void {
  const { message, stack, name, code } = error as Error & { code?: unknown };
  const text = describe(message ?? String(error)).replaceAll(/\s*\n\s*/g, ' ');
  const expected = name === 'FiligreeError' || (typeof code === 'string' && code.startsWith('E'));
  io.stderr.write(`filigree: ${text}${expected || io.debug ? '' : ' (unexpected; FILIGREE_DEBUG=1 shows where)'}\n`);
  if (io.debug && stack) io.stderr.write(`${stack}\n`);
}

/** Node's own messages begin with an error code. */
function describe(message: string): string {
  return message.replace(/^(E[A-Z]+): /, '');
}
