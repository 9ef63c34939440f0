// Which parts of this program's sources have run, by V8's block counters (node:inspector).
import inspector from 'node:inspector';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

interface Range {
  startOffset: number;
  endOffset: number;
  count: number;
}

interface Script {
  url: string;
  functions: { ranges: Range[] }[];
}

interface Part {
  file: string;
  from: number;
  to: number;
}

/** Characters of sources under src/ that have run since `start`, of the bundle that this module is part of. */
export class Coverage {
  readonly #session = new inspector.Session();
  readonly #covered: Uint8Array;
  readonly #isOurs: Uint8Array;
  readonly #parts: Part[] = [];
  readonly #paint: Uint8Array;
  readonly #url: string;
  /** Places that the last take found. */
  #last: number[] = [];

  /** @param bundle the script's URL matches it; esbuild has named each source in a comment before it */
  constructor(bundle: RegExp) {
    this.#session.connect();
    this.#post('Profiler.enable');
    this.#post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
    this.#url = this.#taken().find(({ url }) => bundle.test(url))!.url;
    const text = readFileSync(fileURLToPath(this.#url), 'utf8');
    this.#covered = new Uint8Array(text.length);
    this.#isOurs = new Uint8Array(text.length);
    this.#paint = new Uint8Array(text.length);
    const names = [...text.matchAll(/^\/\/ (\S+\.(?:ts|js|mjs))$/gm)];
    names.forEach(({ 1: file, index }, i) => {
      const to = names[i + 1]?.index ?? text.lastIndexOf('//# sourceMappingURL');
      this.#parts.push({ file, from: index, to });
      if (file.startsWith('src/')) this.#isOurs.fill(1, index, to);
    });
  }

  #taken(): Script[] {
    return (this.#post('Profiler.takePreciseCoverage') as { result: Script[] }).result;
  }

  #post(method: string, parameters: object = {}): unknown {
    let result: unknown;
    this.#session.post(method, parameters, (error: Error | null, value?: object) => {
      if (error) throw error;
      result = value;
    });
    return result;
  }

  /** Takes what has run since the last call; returns how many characters of src/ ran for the first time. */
  take(): number {
    this.#last = [];
    for (const { url, functions } of this.#taken()) {
      if (url !== this.#url) continue;
      // outer functions and ranges come before those within them, which say more
      const ran = functions.map(({ ranges }) => ranges).filter(([whole]) => this.#isOurs[whole.startOffset]);
      for (const ranges of ran) {
        for (const { startOffset, endOffset, count } of ranges) this.#paint.fill(count ? 1 : 0, startOffset, endOffset);
      }
      for (const [{ startOffset, endOffset, count }] of ran) {
        for (let at = count ? startOffset : endOffset; at < endOffset; at++) {
          if (!this.#paint[at] || this.#covered[at]) continue;
          this.#covered[at] = 1;
          this.#last.push(at);
        }
        this.#paint.fill(0, startOffset, endOffset);
      }
    }
    return this.#last.length;
  }

  /** What the last take found counts as not run yet. */
  forgetLast(): void {
    for (const at of this.#last) this.#covered[at] = 0;
  }

  forgetAll(): void {
    this.#covered.fill(0);
  }

  /** Share of the characters of sources whose paths begin so that have run. */
  share(prefixes: readonly string[]): { covered: number; all: number } {
    let [covered, all] = [0, 0];
    for (const { file, from, to } of this.#parts) {
      if (!prefixes.some((prefix) => file.startsWith(prefix))) continue;
      all += to - from;
      for (let at = from; at < to; at++) covered += this.#covered[at];
    }
    return { covered, all };
  }
}
