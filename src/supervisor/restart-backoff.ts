/**
 * How long to wait before a crashed worker is started again: crashes of all workers of the last
 * minute count together, so that a fault which hits them all never becomes a storm of restarts.
 */
const WINDOW_MILLISECONDS = 60_000;
const FIRST_MILLISECONDS = 250;
const LONGEST_MILLISECONDS = 30_000;

export class RestartBackoff {
  #crashes: number[] = [];

  /**
   * Notes a crash.
   *
   * @param now - of a clock that only goes forward, in milliseconds
   * @returns milliseconds to wait: 250, doubling with each crash of the last minute, at most 30 s
   */
  afterCrash(now: number): number {
    this.#crashes = [...this.#crashes.filter((at) => now - at < WINDOW_MILLISECONDS), now];
    const doublings = Math.min(this.#crashes.length - 1, 16);
    return Math.min(LONGEST_MILLISECONDS, FIRST_MILLISECONDS * 2 ** doublings);
  }
}
