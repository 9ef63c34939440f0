// Which ids have been seen, at 28 bytes an id or less than twice that: a Set of strings takes three times as much, and ends at
// 16 million.

/** Words of 32 bits in a row: an id of 128 bits, and what belongs to it. */
const width = 5;

/** An open-addressing hash table from ids (32 hexadecimal digits of a hash) to numbers from 1 to 2³² − 1. */
export class IdTable {
  private rows = new Uint32Array(width * 1024);
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** Keeps `value` with an id that is new. @returns the value of an id that is not */
  add(id: string, value: number): number | undefined {
    if (this.count * width > 0.7 * this.rows.length) this.grow();
    const words = [0, 8, 16, 24].map((at) => Number.parseInt(id.slice(at, at + 8), 16));
    const at = this.place(words);
    const known = this.rows[at + 4];
    if (known !== 0) return known;
    this.rows.set(words, at);
    this.rows[at + 4] = value;
    this.count++;
    return undefined;
  }

  has(id: string): boolean {
    return this.rows[this.place([0, 8, 16, 24].map((at) => Number.parseInt(id.slice(at, at + 8), 16))) + 4] !== 0;
  }

  /** Where an id is, or would be. */
  private place(words: readonly number[]): number {
    const { rows } = this;
    const all = rows.length / width;
    for (let row = words[0] % all; ; row = (row + 1) % all) {
      const at = width * row;
      if (rows[at + 4] === 0) return at;
      if (words.every((word, i) => rows[at + i] === word)) return at;
    }
  }

  private grow(): void {
    const old = this.rows;
    this.rows = new Uint32Array(2 * old.length);
    for (let at = 0; at < old.length; at += width) {
      if (old[at + 4] === 0) continue;
      const row = old.subarray(at, at + width);
      this.rows.set(row, this.place([...row.subarray(0, 4)]));
    }
  }
}
