/**
 * Runs what is to be done from time to time (sweeping, retention), each job on one node at a time.
 * server.ts names the jobs and starts the runner of a process.
 */
import type { Leases } from './leases.ts';

export interface PeriodicJob {
  readonly name: string;
  readonly everySeconds: number;
  /** In small steps where it is long: the signal tells that the lease was lost or the server stops. */
  run(signal: AbortSignal): Promise<unknown>;
}

export interface PeriodicJobsParts {
  readonly leases: Leases;
  /** A job failed, or could not be begun; it comes again when it is due. */
  readonly onFailure: (error: unknown, job: string) => void;
  readonly leaseSeconds?: number;
}

export interface PeriodicJobs {
  /** Begins nothing more; resolves when what runs has ended and its leases are given back. */
  stop(): Promise<void>;
}

/** How long a job of a node that died stays undone beyond its interval. */
const LEASE_SECONDS = 30;
const PROLONGATIONS_PER_LEASE = 3;

/** Each job is looked at first after its own interval, so that a start is not slowed by it. */
export function startPeriodicJobs(
  jobs: readonly PeriodicJob[],
  parts: PeriodicJobsParts,
): PeriodicJobs {
  const running = jobs.map((job) => new Runner(job, parts));
  return {
    stop: async () => {
      await Promise.all(running.map((runner) => runner.stop()));
    },
  };
}

class Runner {
  readonly #job: PeriodicJob;
  readonly #parts: PeriodicJobsParts;
  readonly #leaseSeconds: number;
  readonly #stopping = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> = Promise.resolve();

  constructor(job: PeriodicJob, parts: PeriodicJobsParts) {
    this.#job = job;
    this.#parts = parts;
    this.#leaseSeconds = parts.leaseSeconds ?? LEASE_SECONDS;
    this.#schedule();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#timer);
    await this.#round;
  }

  #schedule(): void {
    if (this.#stopping.signal.aborted) return;
    this.#timer = setTimeout(() => {
      this.#round = this.#turn()
        .catch((error: unknown) => this.#parts.onFailure(error, this.#job.name))
        .finally(() => this.#schedule());
    }, this.#job.everySeconds * 1000);
    this.#timer.unref();
  }

  async #turn(): Promise<void> {
    const { name, everySeconds } = this.#job;
    const { leases } = this.#parts;
    if (!(await leases.begin(name, everySeconds, this.#leaseSeconds))) return;
    const lost = new AbortController();
    const prolong = setInterval(
      () => {
        leases.prolong(name, this.#leaseSeconds).then(
          (isOurs) => isOurs || lost.abort(),
          () => lost.abort(),
        );
      },
      (this.#leaseSeconds * 1000) / PROLONGATIONS_PER_LEASE,
    );
    try {
      await this.#job.run(AbortSignal.any([lost.signal, this.#stopping.signal]));
    } finally {
      clearInterval(prolong);
      await leases.giveBack(name);
    }
  }
}
