/**
 * Whether this process should get traffic: a verdict refreshed in the background, so that whoever
 * asks never waits for what hangs. server.ts names the checks; the probe listener, or the supervisor
 * of several processes, reads the verdict.
 */
export interface Check {
  /** Shown to operators as the reason, e.g. `database`. */
  readonly name: string;
  /** A rejection, or no answer within a second, counts as false. */
  isGood(): Promise<boolean> | boolean;
  /** Its failure is told, and traffic goes on: there is another way (Redis). */
  readonly isOptional?: boolean;
}

export interface Verdict {
  readonly isReady: boolean;
  /** Names of what keeps it from being ready. */
  readonly reasons: readonly string[];
  /** Names of what is missing and not needed. */
  readonly degraded: readonly string[];
}

const REFRESH_MILLISECONDS = 1000;
const CHECK_MILLISECONDS = 1000;

export class Readiness {
  readonly #checks: readonly Check[];
  readonly #failing = new Set<string>();
  readonly #onChange = new Set<(verdict: Verdict) => void>();
  #isStopping = false;
  #timer: NodeJS.Timeout | undefined;

  /** Everything counts as good until it was looked at. */
  constructor(checks: readonly Check[]) {
    this.#checks = checks;
    this.#schedule();
  }

  get verdict(): Verdict {
    const failing = this.#checks.filter(({ name }) => this.#failing.has(name));
    const names = (isOptional: boolean) =>
      failing.filter((check) => (check.isOptional ?? false) === isOptional).map(({ name }) => name);
    const reasons = this.#isStopping ? ['stopping'] : names(false);
    return { isReady: reasons.length === 0, reasons, degraded: names(true) };
  }

  /** Tells of every verdict that differs from the one before. */
  onChange(listener: (verdict: Verdict) => void): void {
    this.#onChange.add(listener);
  }

  /** The first step of a shutdown: balancers stop sending. */
  beginStopping(): void {
    clearTimeout(this.#timer);
    this.#change(() => {
      this.#isStopping = true;
    });
  }

  #schedule(): void {
    this.#timer = setTimeout(() => {
      void this.#refresh().finally(() => {
        if (!this.#isStopping) this.#schedule();
      });
    }, REFRESH_MILLISECONDS).unref();
  }

  async #refresh(): Promise<void> {
    await Promise.all(
      this.#checks.map(async (check) => {
        const isGood = await answerInTime(check);
        this.#change(() => this.#failing[isGood ? 'delete' : 'add'](check.name));
      }),
    );
  }

  #change(action: () => unknown): void {
    const before = JSON.stringify(this.verdict);
    action();
    const { verdict } = this;
    if (JSON.stringify(verdict) === before) return;
    for (const listener of this.#onChange) listener(verdict);
  }
}

async function answerInTime(check: Check): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), CHECK_MILLISECONDS);
  try {
    return await Promise.race([check.isGood(), late.promise]);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
