/** The table `password_credentials`: one password a person, and the hashes of earlier ones. */
import type { Knex } from 'knex';
import type { Clock } from '#lib/clock.ts';
import { insertRows } from '#store/insert-rows.ts';
import { statement } from '#store/statement.ts';

export interface PasswordCredential {
  readonly accountId: string;
  /** As hasher.ts made it. */
  readonly passwordHash: string;
  readonly changedAt: Date;
  /** Newest first, at most five; a new password must not be one of them. */
  readonly previousHashes: readonly string[];
}

interface Row {
  account_id: string;
  password_hash: string;
  changed_at: Date;
  previous_hashes: string[];
}

const FIND = statement<{ accountId: string }, Row>(
  'password_credentials.find',
  `
  SELECT account_id, password_hash, changed_at, previous_hashes
  FROM password_credentials WHERE account_id = :accountId`,
);

const KEPT_HASHES = 5;

export class PasswordCredentials {
  readonly #db: Knex;
  readonly #clock: Clock;

  constructor(db: Knex, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  /** @param accountId - UUID; one that no account has is simply not found */
  async find(accountId: string): Promise<PasswordCredential | undefined> {
    const row = await FIND.first(this.#db, { accountId });
    return (
      row && {
        accountId: row.account_id,
        passwordHash: row.password_hash,
        changedAt: row.changed_at,
        previousHashes: row.previous_hashes,
      }
    );
  }

  /**
   * Sets the password of an account, the first or a new one; the one it had joins the previous ones.
   *
   * @param db - the transaction, when the account is made in the same one
   * @throws the driver's 23503 when the account does not exist
   */
  async replace(accountId: string, passwordHash: string, db: Knex = this.#db): Promise<void> {
    const changedAt = this.#clock.now();
    await db<Row>('password_credentials')
      .insert({ account_id: accountId, password_hash: passwordHash, changed_at: changedAt })
      .onConflict('account_id')
      .merge({
        password_hash: passwordHash,
        changed_at: changedAt,
        previous_hashes: db.raw(
          '(ARRAY[password_credentials.password_hash] || password_credentials.previous_hashes)' +
            `[1:${KEPT_HASHES}]`,
        ),
      });
  }

  /**
   * The first passwords of new accounts.
   *
   * @throws the driver's 23505 when an account has a password already, 23503 when there is none
   */
  async insert(
    passwords: readonly { readonly accountId: string; readonly passwordHash: string }[],
    db: Knex = this.#db,
  ): Promise<void> {
    const changedAt = this.#clock.now();
    const rows = passwords.map(({ accountId, passwordHash }) => ({
      account_id: accountId,
      password_hash: passwordHash,
      changed_at: changedAt,
    }));
    await insertRows(db, 'password_credentials', rows);
  }

  /**
   * Stores the same password hashed anew (other parameters, other pepper): neither a change of
   * password nor part of its history.
   *
   * One conditional UPDATE: a password that was replaced meanwhile is not brought back.
   *
   * @returns false when the stored hash is no longer `oldHash`
   */
  async upgradeHash(accountId: string, oldHash: string, newHash: string): Promise<boolean> {
    const updatedRows = await this.#db<Row>('password_credentials')
      .where({ account_id: accountId, password_hash: oldHash })
      .update({ password_hash: newHash });
    return updatedRows === 1;
  }
}
