/**
 * What stands between the server and a Redis that does not answer. Every command has a time limit;
 * after a few failures within a second no command is sent at all, so that users do not wait one by one,
 * and a PING in the background finds out when Redis is back. Successes in between do not count: of a
 * Cluster that lost one master most commands succeed, and of every request some command waits.
 */

/** Redis did not do what it was asked, or was not asked; the caller goes on without it. */
export class RedisUnavailable extends Error {
  constructor(cause?: unknown) {
    super('Redis is not available', { cause });
    this.name = 'RedisUnavailable';
  }
}

export interface BreakerParts {
  /** Resolves when Redis answers. */
  readonly ping: () => Promise<unknown>;
  /** Called when the breaker opens (with the failure that opened it) and when it closes. */
  readonly onChange: (isOpen: boolean, cause?: unknown) => void;
  readonly timeoutMilliseconds: number;
  readonly failuresToOpen?: number;
  readonly probeMilliseconds?: number;
  /** Older failures do not count. */
  readonly memoryMilliseconds?: number;
  /** Monotonic milliseconds. */
  readonly now?: () => number;
}

export class Breaker {
  readonly #parts: Required<BreakerParts>;
  /** When they happened. */
  #failures: number[] = [];
  #isOpen = false;
  #probing: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(parts: BreakerParts) {
    this.#parts = {
      ...{ failuresToOpen: 3, probeMilliseconds: 250, memoryMilliseconds: 1000 },
      now: () => performance.now(),
      ...parts,
    };
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** @throws RedisUnavailable when the breaker is open, or the work failed or took too long */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isOpen) throw new RedisUnavailable();
    try {
      return await this.#inTime(work());
    } catch (cause) {
      this.#noteFailure(cause);
      throw new RedisUnavailable(cause);
    }
  }

  /** Opens it at once, e.g. when the first connection fails. */
  open(cause?: unknown): void {
    if (this.#isOpen || this.#closed) return;
    this.#isOpen = true;
    this.#parts.onChange(true, cause);
    this.#scheduleProbe();
  }

  /** Ends the probing. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#probing);
  }

  #noteFailure(cause: unknown): void {
    const now = this.#parts.now();
    const since = now - this.#parts.memoryMilliseconds;
    this.#failures = [...this.#failures.filter((at) => at > since), now];
    if (this.#failures.length >= this.#parts.failuresToOpen) this.open(cause);
  }

  #scheduleProbe(): void {
    if (this.#closed) return;
    this.#probing = setTimeout(() => void this.#probe(), this.#parts.probeMilliseconds);
    this.#probing.unref();
  }

  async #probe(): Promise<void> {
    try {
      await this.#inTime(this.#parts.ping());
    } catch {
      this.#scheduleProbe();
      return;
    }
    if (this.#closed) return;
    this.#isOpen = false;
    this.#failures = [];
    this.#parts.onChange(false);
  }

  /**
   * Rejects what takes too long. An answer that has arrived while this process was busy is taken
   * before: timers run first when it comes to breath, what was read comes next.
   */
  #inTime<T>(work: Promise<T>): Promise<T> {
    const { timeoutMilliseconds } = this.#parts;
    return new Promise((resolve, reject) => {
      const giveUp = () => reject(new Error(`no answer within ${timeoutMilliseconds} ms`));
      const timer = setTimeout(() => setImmediate(giveUp), timeoutMilliseconds);
      work.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  }
}
