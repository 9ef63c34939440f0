// Judges whether measurements of a host are flat.
export interface SoakSample {
  at: number;
  /** Bytes; not every host tells all of them. */
  rss?: number;
  heap?: number;
  external?: number;
  arrayBuffers?: number;
  /** WebAssembly memories that live, and their bytes. */
  memories: number;
  memoryBytes: number;
  /** Workers that have been started and not ended. */
  workers: number;
  /** Threads of the process, as the operating system counts them. */
  threads?: number;
}

export interface Phase {
  name: string;
  count: number;
  ms: number;
  samples: SoakSample[];
}

export interface Soak {
  phases: Phase[];
  first: SoakSample;
  last: SoakSample;
  /** Results that differ from the first. */
  wrong: string[];
  /** What calls that were stopped ended with, counted. */
  ends: Record<string, number>;
  held: number;
}

export type Kind = 'rss' | 'heap' | 'external' | 'arrayBuffers';

/**
 * What a phase may add to each kind of memory by its linear fit, in bytes: allocators keep some, engines keep code and
 * what they have learned. A model's memory is 3.7 MB, with threads 4 MB, its file 0.6 MB: a phase that leaves only every
 * tenth behind is far above.
 */
export const tolerance: Record<Kind, number> = { rss: 24e6, heap: 2e6, external: 1e6, arrayBuffers: 1e6 };

/**
 * Where each phase is short it is all warm-up, and memory of the process says little; a file or two that await their
 * finalisers are as much as all that external memory may grow in a long one. Memories are counted all the same.
 */
export const shortTolerance: typeof tolerance = { ...tolerance, rss: 64e6, external: 4e6 };

/** Growth over a phase in bytes: the slope of the least squares line through its samples, the first quarter left out as a warm-up. */
export function growth({ samples }: Phase, kind: Kind): number | undefined {
  const settled = samples.slice(Math.ceil(samples.length / 4));
  if (settled.length < 3 || settled.some((sample) => sample[kind] === undefined)) return undefined;
  const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const x = settled.map(({ at }) => at);
  const y = settled.map((sample) => sample[kind]!);
  const [mx, my] = [mean(x), mean(y)];
  const slope =
    x.reduce((sum, at, i) => sum + (at - mx) * (y[i] - my), 0) / x.reduce((sum, at) => sum + (at - mx) ** 2, 0);
  return slope * (x.at(-1)! - x[0]);
}

/** Descriptions of all problems; empty if there are none. */
export function problems({ phases, first, last, wrong, ends }: Soak, tolerated: typeof tolerance): string[] {
  const found = wrong.slice(0, 5).map((what) => `a wrong result: ${what}`);
  for (const phase of phases) {
    for (const [kind, most] of Object.entries(tolerated)) {
      const bytes = growth(phase, kind as Kind) ?? 0;
      if (bytes > most) found.push(`${phase.name}: ${kind} grows by ${(bytes / 1e6).toFixed(1)} MB`);
    }
    // engines keep one or two instances in caches and on stacks
    const settled = phase.samples.slice(-3);
    const memories = Math.min(...settled.map((sample) => sample.memories));
    if (memories > first.memories + 2) found.push(`${phase.name}: ${memories} memories live, ${first.memories} before`);
    const workers = settled.at(-1)!.workers;
    if (workers > 2) found.push(`${phase.name}: ${workers} workers are left`);
  }
  if (last.memories > 1) found.push(`${last.memories} memories live after all is disposed of`);
  if (last.workers > 0) found.push(`${last.workers} workers are left after all is disposed of`);
  if (first.threads !== undefined && last.threads! > first.threads) {
    found.push(`${last.threads} threads are left, ${first.threads} before`);
  }
  const strange = Object.keys(ends).filter((end) => !['nothing', 'AbortError', '20', 'disposed'].includes(end));
  if (strange.length > 0) found.push(`stopped calls end with ${strange}`);
  return found;
}

const megabytes = (bytes: number | undefined) => (bytes === undefined ? '–' : (bytes / 1e6).toFixed(1));

/** One row a phase: how long, how much memory at its end, how much more than after its first quarter. */
export function table(host: string, { phases }: Soak): string[] {
  return phases.map((phase) => {
    const end = phase.samples.at(-1)!;
    const cells = [
      host,
      `${phase.count} × ${phase.name}`,
      `${(phase.ms / 1000).toFixed(1)} s`,
      megabytes(end.rss),
      ...(['rss', 'heap', 'external', 'arrayBuffers'] as const).map((kind) => megabytes(growth(phase, kind))),
      `${end.memories}`,
      `${end.workers}`,
    ];
    return `| ${cells.join(' | ')} |`;
  });
}

export const tableHead = [
  '| host | | took | RSS, MB | grown by | heap | external | array buffers | memories | workers |',
  '|---|---|---|---|---|---|---|---|---|---|',
];
