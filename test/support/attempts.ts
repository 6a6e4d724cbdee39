/** The attempt ledger for tests, with the default settings and a clock that is moved by hand. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';
import {
  AttemptLedger,
  UNKNOWN_DEVICE,
  type Consequence,
  type Reservation,
} from '#sign-in/attempt-ledger.ts';
import type { Bucket } from '#sign-in/attempt-table.ts';
import { settingsSchema, type Settings } from '#config/settings.ts';
import { movableClock, type MovableClock } from './clocks.ts';

export const attemptSettings: Settings['attempts'] = settingsSchema.parse({}).attempts;

let subjects = 0;
/** A bucket that no other test uses. */
export const aBucket = (changes: Partial<Bucket> = {}): Bucket => ({
  subject: `account:test-${++subjects}`,
  factor: 'password',
  device: UNKNOWN_DEVICE,
  ...changes,
});

export interface TestLedger {
  readonly ledger: AttemptLedger;
  readonly clock: MovableClock;
  /** Answers with what the comparison would say: `refused` when it was not even made. */
  readonly answer: (bucket: Bucket, outcome: 'right' | 'wrong') => Promise<Answer>;
  /** So many wrong answers one after the other; what the last one set off. */
  readonly wrong: (bucket: Bucket, count: number) => Promise<Answer>;
}

export type Answer = Consequence & {
  readonly compared: boolean;
  readonly reason?: string;
  readonly retryAfterSeconds?: number;
};

/** Milliseconds that a comparison takes in tests, so that answers overlap. */
const COMPARISON_MILLISECONDS = 15;

export function aLedger(db: Knex, changes: Partial<Settings['attempts']> = {}): TestLedger {
  const clock = movableClock();
  const ledger = new AttemptLedger({ db, clock, settings: { ...attemptSettings, ...changes } });
  const answer = (bucket: Bucket, outcome: 'right' | 'wrong') => answerTo(ledger, bucket, outcome);
  const wrong = async (bucket: Bucket, count: number) => {
    let last: Answer = { compared: false };
    for (let i = 0; i < count; i++) last = await answer(bucket, 'wrong');
    return last;
  };
  return { ledger, clock, answer, wrong };
}

export async function answerTo(
  ledger: AttemptLedger,
  bucket: Bucket,
  outcome: 'right' | 'wrong',
): Promise<Answer> {
  const reserved = await ledger.reserve(bucket);
  if (!reserved.ok) {
    const { reason, retryAfterSeconds, consequence } = reserved;
    return { compared: false, reason, retryAfterSeconds, ...consequence };
  }
  await sleep(COMPARISON_MILLISECONDS);
  return { compared: true, ...(await ledger.settle(reserved.reservation, outcome)) };
}

/** Reserves where a refusal would be the test's mistake. */
export async function mustReserve(ledger: AttemptLedger, bucket: Bucket): Promise<Reservation> {
  const reserved = await ledger.reserve(bucket);
  if (!reserved.ok) throw new Error(`not reserved: ${reserved.reason}`);
  return reserved.reservation;
}
