/**
 * Who may hash a password now: one permit per core for all workers of the machine together
 * (DESIGN §9.13), lent in the order of asking, so that one busy worker may have them all.
 */
export class HashPermits<Holder> {
  readonly #waiting: Holder[] = [];
  readonly #lent: Holder[] = [];
  readonly #permits: number;
  readonly #grant: (holder: Holder) => void;

  constructor(permits: number, grant: (holder: Holder) => void) {
    this.#permits = permits;
    this.#grant = grant;
  }

  ask(holder: Holder): void {
    this.#waiting.push(holder);
    this.#lend();
  }

  giveBack(holder: Holder): void {
    const position = this.#lent.indexOf(holder);
    if (position >= 0) this.#lent.splice(position, 1);
    this.#lend();
  }

  /** A holder ended: whatever it had or waited for is free. */
  forget(holder: Holder): void {
    for (const list of [this.#waiting, this.#lent]) {
      const others = list.filter((other) => other !== holder);
      list.splice(0, list.length, ...others);
    }
    this.#lend();
  }

  #lend(): void {
    while (this.#lent.length < this.#permits) {
      const holder = this.#waiting.shift();
      if (holder === undefined) return;
      this.#lent.push(holder);
      this.#grant(holder);
    }
  }
}
