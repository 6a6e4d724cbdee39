/**
 * The bounded queue in front of the hashing threads. Hashing is the one thing here that costs real
 * computing time, so it is what an attacker floods: at most one thread per core works, a few
 * requests wait, the rest hear "busy" at once.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { AppError } from '#lib/errors.ts';
import type { HashOutcome, HashTask } from './hash-task.ts';

/**
 * Longest wait for a thread. On a machine that is busy with other things even a short queue moves
 * slowly; whoever waits on would outlive the reservation of the attempt (10 s), and the person.
 */
const LONGEST_WAIT_MILLISECONDS = 3000;
const WORKER = new URL('./hash-worker.ts', import.meta.url);

interface Job {
  readonly task: HashTask;
  readonly resolve: (value: string | boolean) => void;
  readonly reject: (error: Error) => void;
  /** Runs while the job waits for a thread. */
  patience?: NodeJS.Timeout;
}

/** Cores that are shared with other processes of this machine: one permit, one hash. */
export interface HashPermits {
  /** Threads that are worth having in this process. */
  readonly threads: number;
  acquire(): Promise<void>;
  release(): void;
}

export interface HashQueueOptions {
  /** Tasks that may wait while every thread works. */
  readonly queueLength: number;
  /** Threads; at most (and by default) as many as there are cores for this process. */
  readonly threads?: number | undefined;
  readonly permits?: HashPermits | undefined;
  /** 3 s unless a test is in a hurry. */
  readonly longestWaitMilliseconds?: number;
}

export class HashQueue {
  readonly #queueLength: number;
  readonly #permits: HashPermits | undefined;
  readonly #longestWait: number;
  readonly #waiting: Job[] = [];
  readonly #idle: Worker[] = [];
  readonly #working = new Map<Worker, Job>();
  /** Permits that were asked for and not granted yet. */
  #asked = 0;
  #closed = false;

  constructor(options: HashQueueOptions) {
    this.#queueLength = options.queueLength;
    this.#permits = options.permits;
    this.#longestWait = options.longestWaitMilliseconds ?? LONGEST_WAIT_MILLISECONDS;
    const wanted = options.threads ?? options.permits?.threads ?? Infinity;
    const threads = Math.min(wanted, availableParallelism());
    for (let started = 0; started < threads; started++) this.#idle.push(this.#start());
  }

  /**
   * Runs a task on a thread of its own.
   *
   * @throws AppError `server.busy` (503, Retry-After 1 s), at once, when the queue is full; after 3 s
   *   when no thread was free until then
   * @throws AppError `server.unavailable` (503) when the queue is closed or the thread dies
   * @throws Error when the task itself is impossible, e.g. a stored hash that is none
   */
  run(task: HashTask): Promise<string | boolean> {
    if (this.#closed) return Promise.reject(new AppError('server.unavailable'));
    const { promise, resolve, reject } = Promise.withResolvers<string | boolean>();
    const job: Job = { task, resolve, reject };
    if (this.#waiting.length < this.#queueLength + this.#idle.length) this.#wait(job);
    else reject(busy());
    this.#next();
    return promise;
  }

  /** Tasks that wait for a thread. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Ends the threads; what waits or is being hashed is rejected. */
  async close(): Promise<void> {
    this.#closed = true;
    const workers = [...this.#idle.splice(0), ...this.#working.keys()];
    for (const job of [...this.#working.values(), ...this.#waiting.splice(0)]) {
      clearTimeout(job.patience);
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

  #wait(job: Job): void {
    this.#waiting.push(job);
    job.patience = setTimeout(() => {
      this.#waiting.splice(this.#waiting.indexOf(job), 1);
      job.reject(busy());
    }, this.#longestWait);
  }

  /** Work for every idle thread, as far as there is work and a permit for it. */
  #next(): void {
    while (this.#asked < Math.min(this.#idle.length, this.#waiting.length)) {
      this.#asked += 1;
      if (this.#permits) void this.#permits.acquire().then(() => this.#begin());
      else this.#begin();
    }
  }

  #begin(): void {
    this.#asked -= 1;
    const worker = this.#closed ? undefined : this.#idle.pop();
    const job = worker && this.#waiting.shift();
    if (!worker || !job) {
      if (worker) this.#idle.push(worker);
      this.#permits?.release();
      return;
    }
    clearTimeout(job.patience);
    this.#working.set(worker, job);
    worker.ref();
    worker.postMessage(job.task);
  }

  #finish(worker: Worker, outcome: HashOutcome): void {
    const job = this.#working.get(worker);
    this.#working.delete(worker);
    this.#permits?.release();
    if (outcome.ok) job?.resolve(outcome.value);
    else job?.reject(new Error(outcome.message));
    worker.unref();
    this.#idle.push(worker);
    this.#next();
  }

  #replace(worker: Worker, cause: unknown): void {
    if (this.#closed) return;
    if (this.#working.has(worker)) this.#permits?.release();
    this.#working.get(worker)?.reject(new AppError('server.unavailable', {}, { cause }));
    this.#working.delete(worker);
    const position = this.#idle.indexOf(worker);
    if (position >= 0) this.#idle.splice(position, 1);
    this.#idle.push(this.#start());
    this.#next();
  }
}

const busy = () => new AppError('server.busy', { retryAfterSeconds: 1 });
