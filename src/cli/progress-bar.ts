// How far long work is, for people who wait.

/** `[█████░░░░░] 80/160 images, 12 s left`. `ms` is what the done ones took. */
export function progressBar(done: number, all: number, ms: number, unit: string): string {
  const width = 30;
  const filled = Math.round((width * done) / all);
  const left = done > 0 ? `, ${formatSeconds(((all - done) * ms) / done)} left` : '';
  return `[${'█'.repeat(filled)}${'░'.repeat(width - filled)}] ${done}/${all} ${unit}${left}`;
}

function formatSeconds(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  return seconds < 100 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
}
