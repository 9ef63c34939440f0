// Whether a program is faster on all its threads or on one: what barriers and messages cost differs by an order of magnitude among engines, and
// with what else runs on the machine. So the first runs take turns, and the faster way stays. Outputs are the same bits.

/** Runs on all threads that come first: engines are still compiling. */
const warmUps = 5;
/** Runs of each way that are compared, by their medians. */
const compared = 5;
/** Programs that take so many milliseconds on all threads gain from them everywhere, and are not tried on one. */
const longMs = 20;
/** After so many runs it is tried again. */
const period = 1000;

export class Trial {
  #runs = 0;
  #all: number[] = [];
  #one: number[] = [];
  #onOne = false;

  /** Whether the next run is to be on one thread. */
  get onOne(): boolean {
    return this.#onOne;
  }

  /** Tells how long the run that `onOne` decided on took. */
  add(ms: number): void {
    const run = this.#runs++;
    const tried = run - warmUps;
    if (tried >= 0 && tried < 2 * compared) (this.#onOne ? this.#one : this.#all).push(ms);
    if (run === period) {
      [this.#runs, this.#all, this.#one, this.#onOne] = [0, [], [], false];
    } else if (tried + 1 >= 0 && tried + 1 < 2 * compared) {
      this.#onOne = tried % 2 === 0 && this.#all[0] < longMs;
    } else if (tried + 1 === 2 * compared) {
      this.#onOne = this.#one.length > 0 && median(this.#one) < median(this.#all);
    }
  }
}

const median = (times: readonly number[]) => times.toSorted((a, b) => a - b)[times.length >> 1];
