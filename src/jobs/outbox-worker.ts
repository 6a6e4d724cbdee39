/**
 * Delivers what is in the outbox. services.ts starts one worker per server process and stops it
 * during shutdown; any number of processes share the work. A receiver that hangs or fails costs the
 * others nothing: few attempts per group at a time, each limited in time, retried later and later.
 */
import { randomInt } from 'node:crypto';
import type { Clock } from '#lib/clock.ts';
import { Bell, settledWithin } from './bell.ts';
import type { DeliveryOutcome, FinishedDelivery, OutboxHandler } from './delivery.ts';
import type { ClaimedJob, NextStep, Outbox } from './outbox.ts';
import { nextDelaySeconds, type RetrySettings } from './retry-schedule.ts';

export interface OutboxLog {
  info(details: object, message: string): void;
  error(details: object, message: string): void;
}

export interface OutboxLimits {
  readonly concurrency: number;
  readonly concurrencyPerGroup: number;
  /** Longest time between looks for jobs of other processes; own ones are seen at once. */
  readonly pollMilliseconds: number;
  readonly attemptMilliseconds: number;
  /** Longer than an attempt: then a claim that is still open means that its worker died. */
  readonly leaseSeconds: number;
  /** How long `stop` lets attempts finish before it aborts them. */
  readonly stopMilliseconds: number;
}

const DEFAULT_LIMITS: OutboxLimits = {
  concurrency: 16,
  concurrencyPerGroup: 2,
  pollMilliseconds: 1000,
  attemptMilliseconds: 10_000,
  leaseSeconds: 30,
  stopMilliseconds: 12_000,
};
/** An outage of the database must be over for the outbox 5 s after it is over (DESIGN §11). */
const LONGEST_PAUSE_MILLISECONDS = 4000;
/** For recording what aborted attempts came to, while the database may be away. */
const LAST_RECORDS_MILLISECONDS = 2500;

export interface OutboxWorkerParts {
  readonly outbox: Outbox;
  /** By kind; jobs of other kinds are left for processes that know them. */
  readonly handlers: Readonly<Record<string, OutboxHandler>>;
  readonly settings: RetrySettings;
  readonly clock: Clock;
  readonly log: OutboxLog;
  readonly limits?: Partial<OutboxLimits>;
}

export interface OutboxWorker {
  /** Claims nothing more and resolves when attempts have finished or were aborted, within 15 s. */
  stop(): Promise<void>;
}

export function startOutboxWorker(parts: OutboxWorkerParts): OutboxWorker {
  const worker = new Worker(parts);
  const running = worker.run();
  return {
    stop: async () => {
      await worker.stop();
      await running;
    },
  };
}

class Worker {
  readonly #parts: OutboxWorkerParts;
  readonly #limits: OutboxLimits;
  readonly #inFlight = new Map<ClaimedJob, { abort: AbortController; done: Promise<void> }>();
  readonly #bell = new Bell();
  #stopping = false;
  #failuresInARow = 0;

  constructor(parts: OutboxWorkerParts) {
    this.#parts = parts;
    this.#limits = { ...DEFAULT_LIMITS, ...parts.limits };
  }

  async run(): Promise<void> {
    const ignore = this.#parts.outbox.onEnqueued(() => this.#bell.ring());
    while (!this.#stopping) {
      for (const job of await this.#claim()) this.#start(job);
      await this.#bell.wait(this.#pauseMilliseconds());
    }
    ignore();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#bell.ring();
    if (await settledWithin(this.#allDone(), this.#limits.stopMilliseconds)) return;
    for (const { abort } of this.#inFlight.values()) abort.abort(new AttemptAborted('shutdown'));
    await settledWithin(this.#allDone(), LAST_RECORDS_MILLISECONDS);
  }

  async #claim(): Promise<ClaimedJob[]> {
    const limit = this.#limits.concurrency - this.#inFlight.size;
    if (limit <= 0) return [];
    const inFlight: Record<string, number> = {};
    for (const { groupKey } of this.#inFlight.keys()) {
      inFlight[groupKey] = (inFlight[groupKey] ?? 0) + 1;
    }
    const { concurrencyPerGroup, leaseSeconds } = this.#limits;
    const kinds = Object.keys(this.#parts.handlers);
    const request = { kinds, limit, limitPerGroup: concurrencyPerGroup, inFlight, leaseSeconds };
    return (await this.#whenDatabaseAnswers(() => this.#parts.outbox.claim(request))) ?? [];
  }

  #start(job: ClaimedJob) {
    const abort = new AbortController();
    const done = this.#attempt(job, abort).finally(() => {
      this.#inFlight.delete(job);
      this.#bell.ring();
    });
    this.#inFlight.set(job, { abort, done });
  }

  async #attempt(job: ClaimedJob, abort: AbortController): Promise<void> {
    const { clock, outbox } = this.#parts;
    const startedAt = clock.now().getTime();
    const outcome = await this.#deliver(job, abort);
    const durationMilliseconds = clock.now().getTime() - startedAt;
    const next = this.#nextStep(job, outcome, durationMilliseconds / 1000);
    const { httpStatus, errorCode } = outcome;
    const recorded = await this.#whenDatabaseAnswers(() =>
      outbox.finish(job, next, { httpStatus, errorCode, durationMilliseconds }),
    );
    if (recorded !== true || next.state === 'pending') return;
    await this.#tellFinished(job, { ...outcome, result: next.state });
  }

  async #deliver(job: ClaimedJob, abort: AbortController): Promise<DeliveryOutcome> {
    const timer = setTimeout(() => {
      abort.abort(new AttemptAborted('timeout'));
    }, this.#limits.attemptMilliseconds);
    try {
      const attempt = { id: job.id, number: job.attempt, signal: abort.signal };
      const handler = this.#parts.handlers[job.kind];
      if (!handler) return { result: 'retry', errorCode: 'no_handler' };
      const delivery = handler.deliver(job.openPayload(), attempt);
      return await Promise.race([delivery, rejectedWhenAborted(abort.signal)]);
    } catch (error) {
      return { result: 'retry', errorCode: codeOf(error) };
    } finally {
      clearTimeout(timer);
    }
  }

  #nextStep(job: ClaimedJob, outcome: DeliveryOutcome, tookSeconds: number): NextStep {
    if (outcome.result !== 'retry') return { state: outcome.result };
    const random = randomInt(2 ** 32) / 2 ** 32;
    const age = job.ageSeconds + tookSeconds;
    const delaySeconds = nextDelaySeconds(this.#parts.settings, job.attempt, age, random);
    return delaySeconds === undefined ? { state: 'given_up' } : { state: 'pending', delaySeconds };
  }

  async #tellFinished(job: ClaimedJob, end: Omit<FinishedDelivery, 'id' | 'attempts'>) {
    const { id, kind, attempt: attempts } = job;
    try {
      await this.#parts.handlers[kind]?.finished?.(job.openPayload(), { ...end, id, attempts });
    } catch (error) {
      this.#parts.log.error({ id, kind, code: codeOf(error) }, 'outbox: telling the end failed');
    }
  }

  /** An outage is logged once, and its end once. A job whose outcome is lost is attempted again. */
  async #whenDatabaseAnswers<Answer>(action: () => Promise<Answer>): Promise<Answer | undefined> {
    try {
      const answer = await action();
      if (this.#failuresInARow > 0) this.#parts.log.info({}, 'outbox: the database answers again');
      this.#failuresInARow = 0;
      return answer;
    } catch (error) {
      if (this.#failuresInARow === 0) {
        this.#parts.log.error({ code: codeOf(error) }, 'outbox: the database does not answer');
      }
      this.#failuresInARow += 1;
      return undefined;
    }
  }

  #pauseMilliseconds(): number {
    const { pollMilliseconds } = this.#limits;
    const backedOff = pollMilliseconds * 2 ** Math.min(this.#failuresInARow, 10);
    return Math.min(backedOff, Math.max(pollMilliseconds, LONGEST_PAUSE_MILLISECONDS));
  }

  #allDone(): Promise<unknown> {
    return Promise.all([...this.#inFlight.values()].map(({ done }) => done));
  }
}

class AttemptAborted extends Error {
  readonly code: string;
  constructor(code: 'timeout' | 'shutdown') {
    super(`the attempt was aborted: ${code}`);
    this.code = code;
  }
}

function rejectedWhenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => {
      reject(signal.reason as Error);
    });
  });
}

/** A driver's or our own code, else the class; messages may name what must not be kept. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const { code } = error as Error & { code?: unknown };
  return (typeof code === 'string' ? code : error.name).slice(0, 64);
}
