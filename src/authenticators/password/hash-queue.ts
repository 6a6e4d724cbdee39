/**
 * The bounded queue in front of the hashing threads. Hashing is the one thing here that costs real
 * computing time, so it is what an attacker floods: at most one thread per core works, a few
 * requests wait, the rest hear "busy" at once.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { AppError } from '#lib/errors.ts';
import type { HashOutcome, HashTask } from './hash-task.ts';

const WORKER = new URL('./hash-worker.ts', import.meta.url);

interface Job {
  readonly task: HashTask;
  readonly resolve: (value: string | boolean) => void;
  readonly reject: (error: Error) => void;
}

export interface HashQueueOptions {
  /** Tasks that may wait while every thread works. */
  readonly queueLength: number;
  /** Threads; at most (and by default) as many as there are cores for this process. */
  readonly threads?: number | undefined;
}

export class HashQueue {
  readonly #queueLength: number;
  readonly #threads: number;
  readonly #waiting: Job[] = [];
  readonly #idle: Worker[] = [];
  readonly #working = new Map<Worker, Job>();
  #closed = false;

  constructor(options: HashQueueOptions) {
    this.#queueLength = options.queueLength;
    this.#threads = Math.min(options.threads ?? Infinity, availableParallelism());
    for (let started = 0; started < this.#threads; started++) this.#idle.push(this.#start());
  }

  /**
   * Runs a task on a thread of its own.
   *
   * @throws AppError `server.busy` (503, Retry-After 1 s), at once, when the queue is full
   * @throws AppError `server.unavailable` (503) when the queue is closed or the thread dies
   * @throws Error when the task itself is impossible, e.g. a stored hash that is none
   */
  run(task: HashTask): Promise<string | boolean> {
    if (this.#closed) return Promise.reject(new AppError('server.unavailable'));
    const { promise, resolve, reject } = Promise.withResolvers<string | boolean>();
    const job = { task, resolve, reject };
    const worker = this.#idle.pop();
    if (worker) this.#give(worker, job);
    else if (this.#waiting.length < this.#queueLength) this.#waiting.push(job);
    else reject(new AppError('server.busy', { retryAfterSeconds: 1 }));
    return promise;
  }

  /** Ends the threads; what waits or is being hashed is rejected. */
  async close(): Promise<void> {
    this.#closed = true;
    const workers = [...this.#idle.splice(0), ...this.#working.keys()];
    for (const job of [...this.#working.values(), ...this.#waiting.splice(0)]) {
      job.reject(new AppError('server.unavailable'));
    }
    this.#working.clear();
    await Promise.all(workers.map(async (worker) => await worker.terminate()));
  }

  #start(): Worker {
    const worker = new Worker(WORKER, { name: 'password-hash' });
    worker.on('message', (outcome: HashOutcome) => this.#finish(worker, outcome));
    // 'exit' follows 'error' and replaces the thread; here only the reason is kept.
    let failure: unknown;
    worker.on('error', (error: unknown) => {
      failure = error;
    });
    worker.on('exit', () => this.#replace(worker, failure));
    // A thread without work does not keep the process alive.
    worker.unref();
    return worker;
  }

  #give(worker: Worker, job: Job): void {
    this.#working.set(worker, job);
    worker.ref();
    worker.postMessage(job.task);
  }

  #finish(worker: Worker, outcome: HashOutcome): void {
    const job = this.#working.get(worker);
    this.#working.delete(worker);
    if (outcome.ok) job?.resolve(outcome.value);
    else job?.reject(new Error(outcome.message));
    this.#next(worker);
  }

  #replace(worker: Worker, cause: unknown): void {
    if (this.#closed) return;
    this.#working.get(worker)?.reject(new AppError('server.unavailable', {}, { cause }));
    this.#working.delete(worker);
    const position = this.#idle.indexOf(worker);
    if (position >= 0) this.#idle.splice(position, 1);
    this.#next(this.#start());
  }

  #next(worker: Worker): void {
    const job = this.#waiting.shift();
    if (job) {
      this.#give(worker, job);
    } else {
      worker.unref();
      this.#idle.push(worker);
    }
  }
}
