/** Hands out each name once: `x`, then `x#2`, `x#3`, … */
export class Names {
  private readonly taken = new Set<string>();
  private readonly counts = new Map<string, number>();

  take(name: string): string {
    let count = this.counts.get(name) ?? 1;
    let unique = name;
    while (unique === '' || this.taken.has(unique)) unique = `${name}#${++count}`;
    this.counts.set(name, count);
    this.taken.add(unique);
    return unique;
  }

  /** Makes a name available again. */
  release(name: string): void {
    this.taken.delete(name);
  }
}
