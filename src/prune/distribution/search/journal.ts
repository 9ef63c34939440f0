// What a search has measured so far, so that one that is killed goes on: the next one asks in the same order, since all its choices
// follow from the seed and from what was measured.

/** Divergences of networks by the number of the call that asked for them. */
export class Journal {
  /** By the number of the call. */
  readonly entries: ReadonlyMap<number, readonly number[]>;
  readonly #known: Map<number, readonly number[]>;
  readonly #onRecord: (() => unknown) | undefined;
  #calls = 0;

  /**
   * @param known entries of the journal of a search of the same network, options and photos
   * @param onRecord is called after each new entry
   */
  constructor(known: Iterable<readonly [number, readonly number[]]> = [], onRecord?: () => unknown) {
    this.#known = new Map(known);
    this.entries = this.#known;
    this.#onRecord = onRecord;
  }

  /** The known result of this call, or else what `measure` gives. Calls must always come in the same order. */
  async result(measure: () => Promise<readonly number[]>): Promise<readonly number[]> {
    const call = this.#calls++;
    const known = this.#known.get(call);
    if (known) return known;
    const measured = await measure();
    this.#known.set(call, measured);
    await this.#onRecord?.();
    return measured;
  }
}
