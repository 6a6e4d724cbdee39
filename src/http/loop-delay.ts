/**
 * How late the event loop is: a timer that should come every 50 ms, and when it did. One long task
 * makes one sample late; when every sample of half a second is late, there is more work than time.
 */
const SAMPLE_MILLISECONDS = 50;
/** Half a second tells overload from one long task. */
const PERSISTENT_SAMPLES = 10;
/** For operators: the worst of ten seconds. */
const KEPT_SAMPLES = 200;

export class LoopDelay {
  readonly #samples: number[] = [];
  readonly #timer: NodeJS.Timeout;
  #expected = performance.now() + SAMPLE_MILLISECONDS;

  constructor() {
    this.#timer = setInterval(() => {
      this.add(performance.now() - this.#expected);
      this.#expected = performance.now() + SAMPLE_MILLISECONDS;
    }, SAMPLE_MILLISECONDS).unref();
  }

  /** @param milliseconds - late by; the timer calls it, and tests */
  add(milliseconds: number): void {
    if (this.#samples.push(Math.max(0, milliseconds)) > KEPT_SAMPLES) this.#samples.shift();
  }

  /** Milliseconds that every task of the last half second had to wait at least. */
  get persistent(): number {
    const recent = this.#samples.slice(-PERSISTENT_SAMPLES);
    return recent.length < PERSISTENT_SAMPLES ? 0 : Math.min(...recent);
  }

  /** Milliseconds, the worst of the last ten seconds. */
  get worst(): number {
    return Math.max(0, ...this.#samples);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
