/**
 * The first process of `npm start -- --workers N`: forks workers that share the public listener,
 * restarts those that crash, exchanges them one by one, and answers probes and metrics for the
 * machine. It serves no request, opens no database and reads no key. start.ts makes the one.
 */
import { availableParallelism } from 'node:os';
import type { Logger } from 'pino';
import type { Verdict } from '#http/readiness.ts';
import { HashPermits } from './hash-permits.ts';
import { MachineMetrics } from './machine-metrics.ts';
import type { MetricsSnapshot } from './messages.ts';
import { RestartBackoff } from './restart-backoff.ts';
import { WorkerDidNotStart, WorkerProcess, type WorkerEvents } from './worker-process.ts';

export interface SupervisorOptions {
  readonly workers: number;
  /** How long a worker may take to stop before it is killed. */
  readonly killAfterMilliseconds: number;
  readonly log: Logger;
}

/** A place for one worker; empty while the restart of a crashed one is put off. */
interface Slot {
  worker: WorkerProcess | undefined;
}

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #slots: readonly Slot[];
  /** Exchanged workers that still finish what they have in flight. */
  readonly #leaving = new Set<WorkerProcess>();
  readonly #backoff = new RestartBackoff();
  readonly #metrics: MachineMetrics;
  readonly #events: WorkerEvents;
  #rolling: Promise<void> | undefined;
  #isStopping = false;
  #questions = 0;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#slots = Array.from({ length: options.workers }, () => ({ worker: undefined }));
    this.#metrics = new MachineMetrics(() => this.#ready().length);
    const permits = new HashPermits<WorkerProcess>(availableParallelism(), (worker) =>
      worker.tell({ yrt: 'hash_granted' }),
    );
    this.#events = {
      onHashWanted: (worker) => permits.ask(worker),
      onHashDone: (worker) => permits.giveBack(worker),
      onLastMetrics: (metrics) => void this.#metrics.keep(metrics),
      onEnd: (worker) => permits.forget(worker),
    };
  }

  /**
   * Starts the first worker alone, which makes and checks what is needed once, then the others.
   *
   * @throws WorkerDidNotStart
   */
  async start(): Promise<void> {
    const [first, ...others] = this.#slots;
    if (first && !(await this.#fill(first).listening)) throw new WorkerDidNotStart();
    await Promise.all(others.map((slot) => this.#fill(slot).listening));
  }

  /** Ready while one worker is: the others' connections go to it. */
  get verdict(): Verdict {
    const verdicts = this.#slots.flatMap(({ worker }) => (worker ? [worker.verdict] : []));
    const degraded = unique(verdicts.flatMap((verdict) => verdict.degraded));
    if (this.#isStopping) return { isReady: false, reasons: ['stopping'], degraded };
    if (verdicts.some(({ isReady }) => isReady)) return { isReady: true, reasons: [], degraded };
    const reasons = unique(verdicts.flatMap((verdict) => verdict.reasons));
    return { isReady: false, reasons: reasons.length > 0 ? reasons : ['no worker'], degraded };
  }

  /** Of all workers that answer within a second. */
  async metrics(): Promise<string> {
    this.#questions += 1;
    const answers = await Promise.all(
      this.#workers().map(async (worker) => worker.metrics(this.#questions)),
    );
    const snapshots = answers.filter((answer): answer is MetricsSnapshot => answer !== undefined);
    return await this.#metrics.text(snapshots);
  }

  /**
   * Exchanges every worker for a new one that reads settings and keys afresh: each old one leaves
   * only when its successor listens. Stops, with the old ones in place, when a new one does not start.
   */
  restartAll(): Promise<void> {
    this.#rolling ??= this.#exchangeAll().finally(() => {
      this.#rolling = undefined;
    });
    return this.#rolling;
  }

  /** Ends all workers in order. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#workers().map((worker) => this.#end(worker)));
  }

  #fill(slot: Slot, worker = new WorkerProcess(this.#events)): WorkerProcess {
    slot.worker = worker;
    void worker.ended.then(({ code, signal }) => {
      if (slot.worker !== worker) return;
      slot.worker = undefined;
      if (this.#isStopping) return;
      const delayMilliseconds = this.#backoff.afterCrash(performance.now());
      const details = { pid: worker.pid, code, signal, delayMilliseconds };
      this.#options.log.error(details, 'a worker ended; it will be started again');
      setTimeout(() => this.#refill(slot), delayMilliseconds);
    });
    return worker;
  }

  #refill(slot: Slot): void {
    if (this.#isStopping || slot.worker) return;
    this.#metrics.countRestart();
    this.#fill(slot);
  }

  async #exchangeAll(): Promise<void> {
    const { log } = this.#options;
    log.info({ workers: this.#slots.length }, 'rolling restart');
    for (const slot of this.#slots) {
      if (this.#isStopping) return;
      const next = new WorkerProcess(this.#events);
      this.#leaving.add(next); // so that `stop` finds it while it starts
      const isListening = await next.listening;
      this.#leaving.delete(next);
      if (!isListening) {
        log.error({}, 'rolling restart given up: the new worker did not start; the old ones stay');
        return;
      }
      const old = slot.worker;
      this.#fill(slot, next);
      if (old) await this.#end(old);
    }
    log.info({}, 'rolling restart done');
  }

  async #end(worker: WorkerProcess): Promise<void> {
    this.#leaving.add(worker);
    await worker.stop(this.#options.killAfterMilliseconds);
    this.#leaving.delete(worker);
  }

  #workers(): WorkerProcess[] {
    const placed = this.#slots.flatMap(({ worker }) => (worker ? [worker] : []));
    return unique([...placed, ...this.#leaving]);
  }

  #ready(): WorkerProcess[] {
    return this.#workers().filter(({ verdict }) => verdict.isReady);
  }
}

const unique = <Item>(items: readonly Item[]): Item[] => [...new Set(items)];
