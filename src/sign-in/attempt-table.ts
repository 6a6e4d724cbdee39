/** The table `sign_in_attempts`: the statements of the attempt ledger, each atomic by itself. */
import type { Knex } from 'knex';
import type { Settings } from '#config/settings.ts';
import { statement } from '#store/statement.ts';
import type { BucketState } from './attempt-state.ts';

/** Where answers are counted together. */
export interface Bucket {
  /** `accountSubject` or `absentSubject`. */
  readonly subject: string;
  /** Id of the authenticator, e.g. `password`. */
  readonly factor: string;
  /** Id of a device known to the account, or `UNKNOWN_DEVICE`. */
  readonly device: string;
}

type Settling = Bucket & { token: string; at: Date };

// Takes a place if one is free. Right answers free their places, so what may be under way together
// is as many as may still be wrong before the window is full or the next lock falls due (then one by
// one). The state beside it is that of the moment before; it says why nothing was taken.
const RESERVE = statement<
  Bucket & { token: string; now: Date; max: number; inRow: number; windowStart: Date },
  { taken: boolean } & BucketState
>(
  'sign_in_attempts.reserve',
  `
  WITH taken AS (
    INSERT INTO sign_in_attempts AS bucket (subject, factor, device, pending, touched_at)
    VALUES (:subject, :factor, :device, ARRAY[CAST(:token AS text)], :now)
    ON CONFLICT (subject, factor, device) DO UPDATE
      SET pending = bucket.pending || EXCLUDED.pending, touched_at = EXCLUDED.touched_at
      WHERE bucket.disabled_at IS NULL
        AND (bucket.locked_until IS NULL OR bucket.locked_until <= :now)
        AND cardinality(bucket.pending) < least(
          greatest(1, :inRow - bucket.wrong_in_row),
          :max - (SELECT count(*) FROM unnest(bucket.recent_wrong) AS at WHERE at > :windowStart)
        )
    RETURNING 1
  )
  SELECT EXISTS (SELECT FROM taken) AS taken, pending, wrong_in_row AS "wrongInRow",
         recent_wrong AS "recentWrong", locked_until AS "lockedUntil", disabled_at AS "disabledAt"
  FROM (SELECT 1) AS always
  LEFT JOIN sign_in_attempts ON (subject, factor, device) = (:subject, :factor, :device)`,
);

// A lock ends when its own time is over and the window has room again, whichever is later: what the
// person is told is when the next answer will be compared.
const SETTLE_WRONG = statement<
  Settling & { max: number; lock: number; maxLock: number; window: number; disableAfter: number },
  Pick<BucketState, 'wrongInRow' | 'lockedUntil'>
>(
  'sign_in_attempts.settle_wrong',
  `
  UPDATE sign_in_attempts SET
    pending = array_remove(pending, :token),
    touched_at = :at,
    wrong_in_row = wrong_in_row + 1,
    recent_wrong = (recent_wrong || CAST(:at AS timestamptz))[
      greatest(1, cardinality(recent_wrong) + 2 - :max) : ],
    locked_until = CASE WHEN wrong_in_row + 1 < :max THEN locked_until ELSE greatest(
      CAST(:at AS timestamptz) + interval '1 second'
        * least(:maxLock, :lock * power(2, least(wrong_in_row + 1 - :max, 30))),
      (recent_wrong || CAST(:at AS timestamptz))[cardinality(recent_wrong) + 2 - :max]
        + interval '1 second' * :window
    ) END,
    disabled_at = CASE WHEN wrong_in_row + 1 >= :disableAfter THEN :at ELSE disabled_at END
  WHERE (subject, factor, device) = (:subject, :factor, :device) AND :token = ANY (pending)
  RETURNING wrong_in_row AS "wrongInRow", locked_until AS "lockedUntil"`,
);

const SETTLE_RIGHT = statement<Settling>(
  'sign_in_attempts.settle_right',
  `
  UPDATE sign_in_attempts SET
    pending = array_remove(pending, :token), touched_at = :at, wrong_in_row = 0, locked_until = NULL
  WHERE (subject, factor, device) = (:subject, :factor, :device) AND :token = ANY (pending)`,
);

const RELEASE = statement<Bucket & { token: string }>(
  'sign_in_attempts.release',
  `
  UPDATE sign_in_attempts SET pending = array_remove(pending, :token)
  WHERE (subject, factor, device) = (:subject, :factor, :device)`,
);

export class AttemptTable {
  readonly #db: Knex;
  readonly #settings: Settings['attempts'];

  constructor(db: Knex, settings: Settings['attempts']) {
    this.#db = db;
    this.#settings = settings;
  }

  /** @returns whether a place was taken, and the bucket as it was before (undefined: not there) */
  async reserve(
    { subject, factor, device }: Bucket,
    token: string,
    now: Date,
  ): Promise<{ taken: boolean; state: BucketState | undefined }> {
    const { maxPerWindow, disableAfter, windowSeconds } = this.#settings;
    const row = await RESERVE.first(this.#db, {
      ...{ subject, factor, device, token, now },
      max: maxPerWindow,
      inRow: Math.min(maxPerWindow, disableAfter),
      windowStart: new Date(Number(now) - windowSeconds * 1000),
    });
    // The driver's null for every column of the absent row, whatever the type says.
    const state = row?.wrongInRow as number | null | undefined;
    return { taken: row?.taken === true, state: typeof state === 'number' ? row : undefined };
  }

  /** @returns the bucket afterwards; undefined when the reservation was settled already */
  async settleWrong(
    { subject, factor, device }: Bucket,
    { token, at }: { token: string; at: Date },
    db: Knex = this.#db,
  ): Promise<Pick<BucketState, 'wrongInRow' | 'lockedUntil'> | undefined> {
    return await SETTLE_WRONG.first(db, {
      ...{ subject, factor, device, token, at },
      max: this.#settings.maxPerWindow,
      lock: this.#settings.lockSeconds,
      maxLock: this.#settings.maxLockSeconds,
      window: this.#settings.windowSeconds,
      disableAfter: this.#settings.disableAfter,
    });
  }

  async settleRight(
    { subject, factor, device }: Bucket,
    { token, at }: { token: string; at: Date },
    db: Knex = this.#db,
  ): Promise<void> {
    await SETTLE_RIGHT.count(db, { subject, factor, device, token, at });
  }

  async release({ subject, factor, device }: Bucket, token: string): Promise<void> {
    await RELEASE.count(this.#db, { subject, factor, device, token });
  }

  async forget(subject: string, factor: string): Promise<void> {
    await this.#db('sign_in_attempts').where({ subject, factor }).delete();
  }

  async sweep(now: Date): Promise<number> {
    return await this.#db('sign_in_attempts')
      .where('touched_at', '<', new Date(Number(now) - 86_400_000))
      .whereNull('disabled_at')
      .andWhereRaw('coalesce(locked_until <= ?, true)', [now])
      .delete();
  }
}
