/** Calls of this process that wait for something under a key: woken in order, or after a while. */
export class Waiters {
  readonly #waiting = new Map<string, Set<() => void>>();

  count(key: string): number {
    return this.#waiting.get(key)?.size ?? 0;
  }

  /** Resolves when woken, at the latest after so many milliseconds. */
  wait(key: string, milliseconds: number): Promise<void> {
    const waiting = this.#waiting.get(key) ?? new Set();
    this.#waiting.set(key, waiting);
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        waiting.delete(done);
        if (waiting.size === 0 && this.#waiting.get(key) === waiting) this.#waiting.delete(key);
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      waiting.add(done);
    });
  }

  /** Wakes up to so many, first come first served. */
  wake(key: string, count: number): void {
    for (const done of [...(this.#waiting.get(key) ?? [])].slice(0, count)) done();
  }
}
