/** One worker as the supervisor sees it: from fork to exit, what it last said, and how to stop it. */
import cluster, { type Worker } from 'node:cluster';
import type { Verdict } from '#http/readiness.ts';
import { isOurs, type FromWorker, type MetricsSnapshot, type ToWorker } from './messages.ts';

export interface WorkerEnd {
  readonly code: number | null;
  readonly signal: string | null;
}

export interface WorkerEvents {
  onHashWanted(worker: WorkerProcess): void;
  onHashDone(worker: WorkerProcess): void;
  onLastMetrics(metrics: MetricsSnapshot): void;
  onEnd(worker: WorkerProcess): void;
}

/** The first worker ended before it listened, and has said why. */
export class WorkerDidNotStart extends Error {
  constructor() {
    super('The server does not start: its first worker ended (see above).');
    this.name = 'WorkerDidNotStart';
  }
}

const METRICS_MILLISECONDS = 1000;

export class WorkerProcess {
  /** Whether it came to listen; false when it ended before. */
  readonly listening: Promise<boolean>;
  readonly ended: Promise<WorkerEnd>;
  readonly #worker: Worker;
  readonly #events: WorkerEvents;
  readonly #listening = Promise.withResolvers<boolean>();
  readonly #asked = new Map<number, (metrics: MetricsSnapshot) => void>();
  #verdict: Verdict = { isReady: false, reasons: ['starting'], degraded: [] };

  constructor(events: WorkerEvents) {
    this.#events = events;
    this.#worker = cluster.fork();
    this.#worker.on('message', (message: unknown) => {
      if (isOurs(message)) this.#hear(message as FromWorker);
    });
    // A message to a worker that just died; its exit follows.
    this.#worker.on('error', () => undefined);
    this.listening = this.#listening.promise;
    this.ended = new Promise((resolve) => {
      this.#worker.once('exit', (code: number | null, signal: string | null) => {
        this.#listening.resolve(false);
        events.onEnd(this);
        this.#verdict = { isReady: false, reasons: ['ended'], degraded: [] };
        resolve({ code, signal });
      });
    });
  }

  get pid(): number | undefined {
    return this.#worker.process.pid;
  }

  get verdict(): Verdict {
    return this.#verdict;
  }

  /** Its metrics of now; undefined when it does not answer within a second. */
  async metrics(id: number): Promise<MetricsSnapshot | undefined> {
    const { promise, resolve } = Promise.withResolvers<MetricsSnapshot | undefined>();
    const timer = setTimeout(() => resolve(undefined), METRICS_MILLISECONDS);
    this.#asked.set(id, resolve);
    this.tell({ yrt: 'metrics', id });
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#asked.delete(id);
    }
  }

  /** Lets it finish what is in flight; kills it when it takes longer. Resolves when it ended. */
  async stop(killAfterMilliseconds: number): Promise<void> {
    this.tell({ yrt: 'stop' });
    const kill = setTimeout(() => this.#worker.process.kill('SIGKILL'), killAfterMilliseconds);
    await this.ended;
    clearTimeout(kill);
  }

  tell(message: ToWorker): void {
    if (this.#worker.isConnected()) this.#worker.send(message);
  }

  #hear(message: FromWorker): void {
    if (message.yrt === 'listening') this.#listening.resolve(true);
    else if (message.yrt === 'verdict') this.#verdict = message.verdict;
    else if (message.yrt === 'metrics') this.#asked.get(message.id)?.(message.metrics);
    else if (message.yrt === 'last_metrics') this.#events.onLastMetrics(message.metrics);
    else if (message.yrt === 'hash_wanted') this.#events.onHashWanted(this);
    else this.#events.onHashDone(this);
  }
}
