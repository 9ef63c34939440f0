export { formatBytes, formatCount, formatMs, formatPercent } from '../quantities.ts';

/** Formats rows of cells as aligned lines. Numbers, also as strings, are aligned right. */
export function formatTable(header: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = [header, ...rows].map((row) => row.map(String));
  const numeric = header.map((_, column) => rows.every((row) => /^[\d.,+\-–\s%]*$/.test(String(row[column]))));
  const widths = header.map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  const line = (row: readonly string[]) =>
    row.map((cell, i) => (numeric[i] ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))).join('  ');
  return cells.map((row) => `${line(row).trimEnd()}\n`).join('');
}
