// The assignment problem: which rows go with which columns, so that the sum of costs is the smallest.

/**
 * Pairs rows with columns at the smallest total cost, by shortest augmenting paths (Jonker and Volgenant 1987), in
 * O(rows² · columns). Pairs that cost `limit` or more are left out: being alone costs `limit`.
 * @param costs rows × columns, 0 and more
 * @returns the column of each row, −1 for none
 */
export function assign(costs: readonly (readonly number[])[], limit: number): number[] {
  const rows = costs.length;
  const columns = costs[0]?.length ?? 0;
  if (rows === 0 || columns === 0) return Array.from({ length: rows }, () => -1);
  if (rows > columns) {
    const transposed = Array.from({ length: columns }, (_, j) => costs.map((row) => row[j]));
    const found = Array.from({ length: rows }, () => -1);
    for (const [j, i] of assign(transposed, limit).entries()) if (i >= 0) found[i] = j;
    return found;
  }
  const cost = (i: number, j: number) => Math.min(costs[i][j], limit);
  // dual variables of rows and columns; column 0 and row 0 stand for none
  const u = new Float64Array(rows + 1);
  const v = new Float64Array(columns + 1);
  const rowOf = new Int32Array(columns + 1);
  const before = new Int32Array(columns + 1);
  for (let row = 1; row <= rows; row++) {
    const shortest = new Float64Array(columns + 1).fill(Infinity);
    const visited = new Uint8Array(columns + 1);
    let column = 0;
    rowOf[0] = row;
    do {
      visited[column] = 1;
      const i = rowOf[column];
      let step = Infinity;
      let next = 0;
      for (let j = 1; j <= columns; j++) {
        if (visited[j]) continue;
        const reduced = cost(i - 1, j - 1) - u[i] - v[j];
        if (reduced < shortest[j]) {
          shortest[j] = reduced;
          before[j] = column;
        }
        if (shortest[j] < step) {
          step = shortest[j];
          next = j;
        }
      }
      for (let j = 0; j <= columns; j++) {
        if (visited[j]) {
          u[rowOf[j]] += step;
          v[j] -= step;
        } else shortest[j] -= step;
      }
      column = next;
    } while (rowOf[column] !== 0);
    while (column !== 0) {
      rowOf[column] = rowOf[before[column]];
      column = before[column];
    }
  }
  const found = Array.from({ length: rows }, () => -1);
  for (let j = 1; j <= columns; j++) {
    const i = rowOf[j] - 1;
    if (i >= 0 && costs[i][j - 1] < limit) found[i] = j - 1;
  }
  return found;
}
