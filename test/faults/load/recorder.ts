/** Every request of the load: what it was, when, how long it took, how it ended. */
export interface Sample {
  /** Method and path, ids left out: `POST /interaction/…/password`. */
  readonly route: string;
  /** performance.now() when it was sent. */
  readonly startedAt: number;
  readonly milliseconds: number;
  /** 0 when no answer came. */
  readonly status: number;
  /** When the answer says to come again. */
  readonly retryAfterSeconds?: number;
  /** 1, or 2 for the one repetition. */
  readonly attempt: number;
  /** Nobody tries it again. */
  readonly isLast: boolean;
  /** What the connection said, when no answer came. */
  readonly cause?: string;
}

/** No answer, or one that says that the server could not. */
export const hasFailed = ({ status }: Pick<Sample, 'status'>) => status === 0 || status >= 500;

/** How long nothing may fail before the service counts as recovered. */
const QUIET_MILLISECONDS = 1000;

export class Recorder {
  #samples: Sample[] = [];

  get samples(): readonly Sample[] {
    return this.#samples;
  }

  add(sample: Sample): void {
    this.#samples.push(sample);
  }

  /** Forgets what was recorded and begins anew. @returns what was forgotten */
  cut(): Recorder {
    const before = new Recorder();
    [before.#samples, this.#samples] = [this.#samples, []];
    return before;
  }

  get failures(): Sample[] {
    return this.#samples.filter(hasFailed);
  }

  get longest(): Sample | undefined {
    return this.#samples.toSorted((a, b) => b.milliseconds - a.milliseconds)[0];
  }

  get longestMilliseconds(): number {
    return this.longest?.milliseconds ?? 0;
  }

  /** When the last request was sent that failed; 0 when none did. */
  get lastFailureAt(): number {
    return Math.max(0, ...this.failures.map(({ startedAt }) => startedAt));
  }

  /** From a moment until the first one after which nothing that is sent for 1 s fails. */
  recoverySecondsFrom(moment: number): number {
    let recovered = moment;
    const failures = this.failures.map(({ startedAt }) => startedAt).sort((a, b) => a - b);
    for (const failedAt of failures) {
      if (failedAt >= recovered && failedAt < recovered + QUIET_MILLISECONDS) recovered = failedAt;
    }
    return (recovered - moment) / 1000;
  }
}

/** How many of the samples were the same route with the same end, the most frequent first. */
export function summaryOf(samples: readonly Sample[]): [what: string, count: number][] {
  const counts = new Map<string, number>();
  for (const { route, status, cause } of samples) {
    const what = `${route}: ${status === 0 ? (cause ?? 'no answer') : status}`;
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a);
}
