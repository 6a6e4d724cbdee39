/**
 * Devices that an account signed in from (table `known_devices`): each gets a bucket of its own in
 * the attempt ledger. A device is a random cookie value, of which only the SHA-256 is stored. Being
 * known opens nothing; it only keeps the wrong answers of others apart. Called by sign-in/.
 */
import { createHash } from 'node:crypto';
import type { Knex } from 'knex';
import type { Clock } from '#lib/clock.ts';
import { statement } from '#store/statement.ts';
import { UNKNOWN_DEVICE } from './attempt-ledger.ts';

/** The device used longest ago is forgotten when there are more. */
const MAX_DEVICES_PER_ACCOUNT = 20;

const NO_ACCOUNT = '00000000-0000-0000-0000-000000000000';

export interface KnownDevicesOptions {
  readonly db: Knex;
  readonly clock: Clock;
  /** settings.attempts.knownDeviceDays, from the last sign-in on. */
  readonly knownDeviceDays: number;
}

// The rows that the statement itself writes are not seen by its DELETE: it keeps one row fewer.
const REMEMBER = statement<{ accountId: string; hash: Buffer; now: Date; others: number }>(
  'known_devices.remember',
  `
  WITH remembered AS (
    INSERT INTO known_devices (account_id, handle_hash, last_used_at)
    VALUES (:accountId, :hash, :now)
    ON CONFLICT (account_id, handle_hash) DO UPDATE SET last_used_at = EXCLUDED.last_used_at
  )
  DELETE FROM known_devices WHERE id IN (
    SELECT id FROM known_devices WHERE account_id = :accountId AND handle_hash <> :hash
    ORDER BY last_used_at DESC OFFSET :others
  )`,
);

const FIND = statement<{ accountId: string; hash: Buffer; oldest: Date }, { id: string }>(
  'known_devices.find',
  `
  SELECT id FROM known_devices
  WHERE account_id = :accountId AND handle_hash = :hash AND last_used_at > :oldest`,
);

export class KnownDevices {
  readonly #db: Knex;
  readonly #clock: Clock;
  readonly #lifetimeMilliseconds: number;

  constructor({ db, clock, knownDeviceDays }: KnownDevicesOptions) {
    this.#db = db;
    this.#clock = clock;
    this.#lifetimeMilliseconds = knownDeviceDays * 86_400_000;
  }

  /**
   * After a complete sign-in: the device is known from now on, for `knownDeviceDays`. At most 20 per
   * account are kept; sign-ins at the same moment may exceed that until the next one.
   *
   * @param deviceHandle - the cookie's value, ≥ 128 random bits
   * @param db - the transaction that counts the right answer
   */
  async remember(accountId: string, deviceHandle: string, db: Knex = this.#db): Promise<void> {
    await REMEMBER.count(db, {
      accountId,
      hash: hashOf(deviceHandle),
      now: this.#clock.now(),
      others: MAX_DEVICES_PER_ACCOUNT - 1,
    });
  }

  async isKnown(accountId: string, deviceHandle: string): Promise<boolean> {
    return (await this.#find(accountId, deviceHandle)) !== undefined;
  }

  /**
   * The device's bucket in the attempt ledger; the shared one without account or cookie. The look-up
   * is made for absent accounts too, so that it takes the same time.
   */
  async bucketOf(accountId: string | undefined, deviceHandle: string | undefined): Promise<string> {
    if (deviceHandle === undefined) return UNKNOWN_DEVICE;
    return (await this.#find(accountId ?? NO_ACCOUNT, deviceHandle))?.id ?? UNKNOWN_DEVICE;
  }

  /** Deletes what is known no longer. Returns how many. */
  async sweep(): Promise<number> {
    return await this.#db('known_devices').where('last_used_at', '<=', this.#oldest()).delete();
  }

  async #find(accountId: string, deviceHandle: string): Promise<{ id: string } | undefined> {
    return await FIND.first(this.#db, {
      accountId,
      hash: hashOf(deviceHandle),
      oldest: this.#oldest(),
    });
  }

  #oldest(): Date {
    return new Date(Number(this.#clock.now()) - this.#lifetimeMilliseconds);
  }
}

const hashOf = (deviceHandle: string) => createHash('sha256').update(deviceHandle).digest();
