/** Outboxes and handlers for tests, with waits short enough to watch. */
import type { Knex } from 'knex';
import { createEphemeralKeyRing } from '#crypto/key-ring.ts';
import { Sealer } from '#crypto/sealing.ts';
import type { DeliveryAttempt, DeliveryOutcome, OutboxHandler } from '#jobs/delivery.ts';
import { Outbox } from '#jobs/outbox.ts';
import { startOutboxWorker, type OutboxWorkerParts } from '#jobs/outbox-worker.ts';
import { systemClock } from '#lib/clock.ts';
import type { Payload } from '#store/record-store.ts';

export const testSealer = new Sealer(createEphemeralKeyRing().only('sealing'));

export const impatient = { firstRetrySeconds: 0.05, maxRetrySeconds: 0.1, giveUpSeconds: 60 };

export const outboxOn = (db: Knex) => new Outbox({ db, sealer: testSealer });

export interface LogLine {
  readonly level: 'info' | 'error';
  readonly message: string;
  readonly details: object;
}

/** A worker with short waits; `lines` is what it logged. */
export function aWorker(
  parts: Pick<OutboxWorkerParts, 'outbox' | 'handlers'> & Partial<OutboxWorkerParts>,
) {
  const lines: LogLine[] = [];
  const worker = startOutboxWorker({
    settings: impatient,
    clock: systemClock,
    log: {
      info: (details, message) => void lines.push({ level: 'info', message, details }),
      error: (details, message) => void lines.push({ level: 'error', message, details }),
    },
    ...parts,
    limits: { pollMilliseconds: 50, ...parts.limits },
  });
  return { lines, stop: () => worker.stop() };
}

/** A handler that notes every attempt and answers as told; `delivered` unless told otherwise. */
export function aHandler(
  answer: (
    payload: Payload,
    attempt: DeliveryAttempt,
  ) => Promise<DeliveryOutcome> | DeliveryOutcome = () => ({
    result: 'delivered',
  }),
) {
  const seen: { payload: Payload; attempt: DeliveryAttempt }[] = [];
  const ends: unknown[] = [];
  const handler: OutboxHandler = {
    deliver: async (payload, attempt) => {
      seen.push({ payload, attempt });
      return await answer(payload, attempt);
    },
    finished: (payload, end) => {
      ends.push({ payload, ...end });
      return Promise.resolve();
    },
  };
  return { handler, seen, ends };
}

/** Resolves as soon as the condition holds. */
export async function until(condition: () => boolean | Promise<boolean>, milliseconds = 5000) {
  const deadline = performance.now() + milliseconds;
  while (!(await condition())) {
    if (performance.now() > deadline)
      throw new Error(`not within ${milliseconds} ms: ${String(condition)}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export const never = () => new Promise<never>(() => undefined);
