// Numbers with units, as people read them.

/** 1234567 → `1.23 MB`; powers of 1000. */
export function formatBytes(bytes: number): string {
  return bytes < 1000 ? `${bytes} B` : `${scaled(bytes)}B`;
}

/** 1234567 → `1.23 M`; powers of 1000. */
export function formatCount(count: number): string {
  return count < 1000 ? String(count) : scaled(count);
}

function scaled(value: number): string {
  const units = ['', 'k', 'M', 'G', 'T'];
  let unit = 0;
  for (; unit < units.length - 1 && value >= 999.5; unit++) value /= 1000;
  return `${value.toPrecision(3)} ${units[unit]}`;
}

/** 0.6481 → `64.8 %`. */
export function formatPercent(fraction: number): string {
  return `${(100 * fraction).toFixed(1)} %`;
}

export function formatMs(ms: number): string {
  return `${ms < 10 ? ms.toFixed(2) : ms.toFixed(1)} ms`;
}
