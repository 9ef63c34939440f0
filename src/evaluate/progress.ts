// Shows the progress of long work.

/** A status line, overwritten by the next. */
export interface ProgressDisplay {
  show(text: string): void;
  clear(): void;
}

/** `[█████░░░░░] 80/160 images, 12 s left`. `ms` is the time of the finished ones. */
export function progressBar(done: number, all: number, ms: number, unit: string): string {
  const width = 30;
  const filled = Math.round((width * done) / all);
  const left = done > 0 && ms > 0 ? `, ${formatSeconds(((all - done) * ms) / done)} left` : '';
  return `[${'█'.repeat(filled)}${'░'.repeat(width - filled)}] ${done}/${all} ${unit}${left}`;
}

function formatSeconds(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  return seconds < 100 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
}

/** Progress bars of work in phases. A phase's time counts from its first display. */
export class PhaseClock {
  #phase = '';
  #start = 0;
  #first = 0;

  bar(phase: string, done: number, all: number): string {
    if (phase !== this.#phase) {
      this.#phase = phase;
      this.#start = performance.now();
      this.#first = done;
    }
    const ms = performance.now() - this.#start;
    const fresh = done - this.#first;
    // earlier work took no time in this run
    return progressBar(done, all, fresh > 0 ? (ms * done) / fresh : 0, '')
      .replace(/ ,/, ',')
      .trimEnd();
  }
}
