/**
 * The attempt ledger: how often may an answer be tried? One ledger for every factor and every path
 * (password, SMS, TOTP, recovery…). An attempt is reserved before the secret is compared and settled
 * afterwards, so that a hundred answers at the same moment cannot all be compared before the first
 * is counted. Called by sign-in/; attempt-state.ts has the rules, attempt-table.ts the statements.
 *
 * Answers are counted per bucket: (subject, factor, device). All devices that the account does not
 * know share one bucket, each known one has its own: an attacker elsewhere never locks its owner out.
 */
import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import type { BlindIndex } from '#crypto/blind-index.ts';
import type { Settings } from '#config/settings.ts';
import type { Clock } from '#lib/clock.ts';
import { overdueReservations, refusalOf, type Refusal } from './attempt-state.ts';
import { AttemptTable, type Bucket } from './attempt-table.ts';
import { Waiters } from './waiters.ts';

/** The device bucket that all devices share which the account does not know. */
export const UNKNOWN_DEVICE = 'unknown';

/** The subject of an account: its id, whichever identifier was typed. */
export const accountSubject = (accountId: string) => `account:${accountId}`;

/** The subject of an identifier that leads to no account; it locks exactly like an account. */
export const absentSubject = (normalized: string, index: BlindIndex) =>
  `absent:${index.of('absent-identifier', normalized)}`;

/** The right to compare one answer. */
export interface Reservation extends Bucket {
  readonly token: string;
}

/** What a wrong answer set off; each lock and each disabling is told to exactly one caller. */
export interface Consequence {
  /** The bucket is locked from now on, for so long. */
  readonly lockedForSeconds?: number;
  /** The factor is off for this bucket until `enable`. */
  readonly disabled?: boolean;
}

export type Reserved =
  | { readonly ok: true; readonly reservation: Reservation }
  | (Refusal & {
      readonly ok: false;
      /** Present when answers that a dead process never settled led to this refusal. */
      readonly consequence?: Consequence;
    });

export interface AttemptLedgerOptions {
  readonly db: Knex;
  readonly clock: Clock;
  readonly settings: Settings['attempts'];
}

/** A reservation that is not settled by then counts as a wrong answer: its process is dead. */
export const RESERVATION_LIFETIME_MILLISECONDS = 10_000;
/** Longest wait for reservations of the same bucket that are under way. */
const MAX_WAIT_MILLISECONDS = 5000;
/** Between looks at what other processes settled. */
const FIRST_POLL_MILLISECONDS = 10;
const MAX_POLL_MILLISECONDS = 250;
/** More waiting answers per bucket are refused at once. */
const MAX_WAITERS = 50;

export class AttemptLedger {
  readonly #table: AttemptTable;
  readonly #clock: Clock;
  readonly #settings: Settings['attempts'];
  readonly #waiters = new Waiters();

  constructor({ db, clock, settings }: AttemptLedgerOptions) {
    this.#table = new AttemptTable(db, settings);
    this.#clock = clock;
    this.#settings = settings;
  }

  /**
   * Reserves an attempt, before any comparison, by one atomic statement. While the only obstacle is
   * attempts under way it waits for them (≤ 5 s): a burst of right answers all get through.
   *
   * Never inside a transaction: the attempt must count even if the rest is rolled back.
   *
   * @returns refused with `locked` or `disabled`: do not compare, not even a right answer
   * @throws the driver's error when the database cannot be reached; callers let it become a 503
   */
  async reserve(bucket: Bucket): Promise<Reserved> {
    const giveUpAt = performance.now() + MAX_WAIT_MILLISECONDS;
    let poll = FIRST_POLL_MILLISECONDS;
    let consequence: Consequence = {};
    for (;;) {
      const now = this.#clock.now();
      const token = `${Number(now) + RESERVATION_LIFETIME_MILLISECONDS}.${randomUUID()}`;
      const { taken, state } = await this.#table.reserve(bucket, token, now);
      if (taken) return { ok: true, reservation: { ...bucket, token } };

      const refusal = state && refusalOf(state, now, this.#settings);
      if (refusal) return refused(refusal, consequence);
      const overdue = state ? overdueReservations(state, now) : [];
      for (const { token: dead, deadline: at } of overdue) {
        const settled = await this.#settleWrong(bucket, { token: dead, at });
        consequence = { ...consequence, ...settled };
      }
      if (overdue.length > 0) continue;

      if (performance.now() >= giveUpAt || this.#waiters.count(keyOf(bucket)) >= MAX_WAITERS) {
        return refused({ reason: 'locked', retryAfterSeconds: 1 }, consequence);
      }
      await this.#waiters.wait(keyOf(bucket), poll);
      poll = Math.min(poll * 2, MAX_POLL_MILLISECONDS);
    }
  }

  /**
   * Counts the compared answer. A right one ends the row of wrong ones in its bucket. Settling twice,
   * or after the reservation expired, changes nothing.
   *
   * @param db - the transaction, when what follows from the answer is written in the same one
   */
  async settle(
    reservation: Reservation,
    outcome: 'right' | 'wrong',
    db?: Knex,
  ): Promise<Consequence> {
    const settling = { token: reservation.token, at: this.#clock.now() };
    if (outcome === 'wrong') return await this.#settleWrong(reservation, settling, db);
    await this.#table.settleRight(reservation, settling, db);
    // Who is woken before the transaction ends waits for it at the bucket's row.
    this.#waiters.wake(keyOf(reservation), this.#settings.maxPerWindow);
    return {};
  }

  /**
   * Gives a reservation back whose answer was not compared (the hash queue was full, the database
   * failed): it counts neither as right nor as wrong.
   */
  async release(reservation: Reservation): Promise<void> {
    await this.#table.release(reservation, reservation.token);
    this.#waiters.wake(keyOf(reservation), 1);
  }

  /** The factor was bound anew: forgets its wrong answers, locks and disabling on every device. */
  async enable(subject: string, factor: string): Promise<void> {
    await this.#table.forget(subject, factor);
  }

  /** Forgets buckets untouched for a day that are neither locked nor disabled. Returns how many. */
  async sweep(): Promise<number> {
    return await this.#table.sweep(this.#clock.now());
  }

  async #settleWrong(
    bucket: Bucket,
    settling: { token: string; at: Date },
    db?: Knex,
  ): Promise<Consequence> {
    const state = await this.#table.settleWrong(bucket, settling, db);
    const consequence = state ? this.#consequenceOf(state) : {};
    const isShut = consequence.disabled ?? consequence.lockedForSeconds !== undefined;
    this.#waiters.wake(keyOf(bucket), isShut ? Infinity : 1);
    return consequence;
  }

  /** Every wrong answer that leaves the row this long shuts the bucket, so each is told once. */
  #consequenceOf(state: { wrongInRow: number; lockedUntil: Date | null }): Consequence {
    const { maxPerWindow, disableAfter } = this.#settings;
    if (state.wrongInRow >= disableAfter) return { disabled: true };
    if (state.wrongInRow < maxPerWindow || state.lockedUntil === null) return {};
    const seconds = Math.ceil((Number(state.lockedUntil) - Number(this.#clock.now())) / 1000);
    return seconds > 0 ? { lockedForSeconds: seconds } : {};
  }
}

function refused(refusal: Refusal, consequence: Consequence): Reserved {
  const isEmpty = Object.keys(consequence).length === 0;
  return { ok: false, ...refusal, ...(!isEmpty && { consequence }) };
}

const keyOf = ({ subject, factor, device }: Bucket) => JSON.stringify([subject, factor, device]);
