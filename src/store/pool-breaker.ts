/**
 * Notices that the database is away, so that requests fail at once instead of waiting their turn to
 * fail, and notices its return by asking, not by trying on somebody's request.
 */
export interface PoolBreakerParts {
  /** Resolves when the database can be used again. */
  readonly probe: () => Promise<void>;
  /** Told of every change, for the log and the metrics. */
  readonly onChange: (isOpen: boolean) => void;
  /** From the end of one probe to the next. */
  readonly probeMilliseconds: number;
}

/** Of connecting, or of connections that went silent; one alone may be a restarted proxy. */
const FAILURES_IN_A_ROW = 3;

export class PoolBreaker {
  readonly #parts: PoolBreakerParts;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #isOpen = false;
  #isClosed = false;

  constructor(parts: PoolBreakerParts) {
    this.#parts = parts;
  }

  /** While true nothing is to be sent. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  failed(): void {
    this.#failures += 1;
    if (this.#isOpen || this.#isClosed || this.#failures < FAILURES_IN_A_ROW) return;
    this.#isOpen = true;
    this.#parts.onChange(true);
    this.#schedule();
  }

  /** For good: no probe keeps a process alive that is ending. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => {
      void this.#parts.probe().then(
        () => this.#recover(),
        () => this.#schedule(),
      );
    }, this.#parts.probeMilliseconds).unref();
  }

  #recover(): void {
    this.#failures = 0;
    this.#isOpen = false;
    this.#parts.onChange(false);
  }
}
