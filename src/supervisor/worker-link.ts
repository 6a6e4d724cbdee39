/** The worker's end of the channel to its supervisor. start.ts makes it in a worker process. */
import { availableParallelism } from 'node:os';
import type { Registry } from 'prom-client';
import type { HashPermits } from '#authenticators/password/hash-queue.ts';
import type { Verdict } from '#http/readiness.ts';
import { isOurs, type FromWorker, type ToWorker } from './messages.ts';

export class WorkerLink {
  readonly #grants: (() => void)[] = [];
  #onStop: () => void = () => undefined;
  #registry: Registry | undefined;

  /** Leave to hash passwords, of which the machine has one per core (hash-permits.ts). */
  readonly hashPermits: HashPermits;

  /** @param workers - how many share the machine */
  constructor(workers: number) {
    this.hashPermits = {
      // A fair share, and one for when the others are idle.
      threads: Math.ceil(availableParallelism() / workers) + 1,
      acquire: () => this.#acquireHash(),
      release: () => tell({ yrt: 'hash_done' }),
    };
    process.on('message', (message: unknown) => {
      if (isOurs(message)) void this.#hear(message as ToWorker);
    });
    // A closed terminal tells every process; the supervisor decides what it means.
    process.on('SIGHUP', () => undefined);
  }

  /** From now on metrics are answered and traffic may come. */
  listening(registry: Registry, verdict: Verdict): void {
    this.#registry = registry;
    this.report(verdict);
    tell({ yrt: 'listening' });
  }

  report(verdict: Verdict): void {
    tell({ yrt: 'verdict', verdict });
  }

  onStop(stop: () => void): void {
    this.#onStop = stop;
  }

  /** Hands the counters over; resolves when they are sent. */
  async leave(): Promise<void> {
    const metrics = await this.#registry?.getMetricsAsJSON();
    if (!metrics) return;
    await new Promise<void>((resolve) => {
      process.send?.(
        { yrt: 'last_metrics', metrics } satisfies FromWorker,
        undefined,
        undefined,
        () => resolve(),
      );
    });
  }

  #acquireHash(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#grants.push(() => resolve(undefined));
    tell({ yrt: 'hash_wanted' });
    return promise;
  }

  async #hear(message: ToWorker): Promise<void> {
    if (message.yrt === 'hash_granted') this.#grants.shift()?.();
    else if (message.yrt === 'stop') this.#onStop();
    else {
      const metrics = (await this.#registry?.getMetricsAsJSON()) ?? [];
      tell({ yrt: 'metrics', id: message.id, metrics });
    }
  }
}

/** The supervisor may have died; then this process ends with the channel. */
function tell(message: FromWorker): void {
  if (process.connected) process.send?.(message);
}
