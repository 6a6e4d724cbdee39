/**
 * Accounts: who exists, in what state, found by what they type. This folder owns the tables
 * accounts, identity_documents and consents; sign-in/ and oidc/ ask it, nobody else reads them.
 */
import type { Knex } from 'knex';
import { v7 as uuidV7 } from 'uuid';
import type { BlindIndex } from '#crypto/blind-index.ts';
import type { Sealer } from '#crypto/sealing.ts';
import type { AccountIdentifier } from '#lib/account-identifier.ts';
import type { Clock } from '#lib/clock.ts';
import type { Channel } from '#lib/request-origin.ts';
import type { ChangeFeed } from '#store/change-feed.ts';
import { insertRows } from '#store/insert-rows.ts';
import { statement } from '#store/statement.ts';
import type { IdentityDocuments } from './identity-documents.ts';

export type AccountStatus = 'active' | 'locked' | 'frozen' | 'cancelled' | 'deceased';
export type RealNameLevel = 1 | 2 | 3 | 4 | 5;

/** What decides over a sign-in; no personal data. */
export interface Account {
  readonly id: string;
  readonly status: AccountStatus;
  readonly realNameLevel: RealNameLevel;
  readonly realNameMethod: string | undefined;
  readonly realNameAt: Date | undefined;
  readonly updatedAt: Date;
  /** Grows with every change of this. */
  readonly version: number;
}

/** Opened personal data; read only where it is shown or released. */
export interface Contact {
  readonly username: string | undefined;
  /** E.164 */
  readonly phone: string | undefined;
  readonly phoneVerified: boolean;
  readonly email: string | undefined;
  readonly emailVerified: boolean;
}

export interface NewAccount {
  /** `active` when absent. */
  readonly status?: AccountStatus;
  /** Folded by lib/account-identifier.ts. */
  readonly username?: string;
  /** E.164 */
  readonly phone?: string;
  readonly email?: string;
  /** Of phone and mail: whether the person was seen to receive there. */
  readonly phoneVerified?: boolean;
  readonly emailVerified?: boolean;
  readonly channel: Channel;
  /** `at`: when the level was reached; now when absent. */
  readonly realName: { level: RealNameLevel; method?: string; at?: Date };
}

/** A sealed row that waits to be inserted, and what may not belong to another account. */
export interface PreparedAccount {
  readonly id: string;
  readonly row: Readonly<Record<string, unknown>>;
  readonly usernameIndex: string | undefined;
  readonly phoneIndex: string | undefined;
}

interface Row {
  id: string;
  status: AccountStatus;
  channel: Channel;
  username_sealed: string | null;
  username_index: string | null;
  phone_sealed: string | null;
  phone_index: string | null;
  phone_verified_at: Date | null;
  email_sealed: string | null;
  email_verified_at: Date | null;
  real_name_level: RealNameLevel;
  real_name_method: string | null;
  real_name_at: Date | null;
  created_at: Date;
  updated_at: Date;
  version: number;
}

type Found = Pick<
  Row,
  | 'id'
  | 'status'
  | 'real_name_level'
  | 'real_name_method'
  | 'real_name_at'
  | 'updated_at'
  | 'version'
>;

const FIND = statement<{ id: string }, Found>(
  'accounts.find',
  `
  SELECT id, status, real_name_level, real_name_method, real_name_at, updated_at
  FROM accounts WHERE id = :id`,
);

/** One per identifier, so that each is a probe of its own unique index. */
const FIND_ID = {
  phone: statement<{ candidates: readonly string[] }, { id: string }>(
    'accounts.find_by_phone',
    'SELECT id FROM accounts WHERE phone_index = ANY (:candidates) LIMIT 1',
  ),
  username: statement<{ candidates: readonly string[] }, { id: string }>(
    'accounts.find_by_username',
    'SELECT id FROM accounts WHERE username_index = ANY (:candidates) LIMIT 1',
  ),
};

const CONTACT = statement<
  { id: string },
  Pick<Row, 'id' | SealedColumn | 'phone_verified_at' | 'email_verified_at'>
>(
  'accounts.contact',
  `
  SELECT id, username_sealed, phone_sealed, phone_verified_at, email_sealed, email_verified_at
  FROM accounts WHERE id = :id`,
);

type SealedColumn = 'username_sealed' | 'phone_sealed' | 'email_sealed';

export interface AccountsParts {
  readonly db: Knex;
  readonly sealer: Sealer;
  readonly index: BlindIndex;
  readonly documents: IdentityDocuments;
  readonly clock: Clock;
  readonly feed: Pick<ChangeFeed, 'publish'>;
}

export class Accounts {
  readonly #db: Knex;
  readonly #parts: AccountsParts;

  constructor(parts: AccountsParts) {
    this.#db = parts.db;
    this.#parts = parts;
  }

  async find(id: string): Promise<Account | undefined> {
    const row = await FIND.first(this.#db, { id });
    return row && toAccount(row);
  }

  /** The account that a typed identifier leads to, whatever its status. */
  async findIdBy(identifier: AccountIdentifier): Promise<string | undefined> {
    const { kind, value } = identifier;
    if (kind === 'resident_id') return await this.#parts.documents.findAccountByNumber(kind, value);
    const candidates = this.#parts.index.candidates(kind, value);
    return (await FIND_ID[kind].first(this.#db, { candidates }))?.id;
  }

  /** @throws SealBroken when a stored value was tampered with */
  async contactOf(id: string): Promise<Contact | undefined> {
    const row = await CONTACT.first(this.#db, { id });
    if (!row) return undefined;
    return {
      username: this.#open(row, 'username_sealed'),
      phone: this.#open(row, 'phone_sealed'),
      phoneVerified: row.phone_verified_at !== null,
      email: this.#open(row, 'email_sealed'),
      emailVerified: row.email_verified_at !== null,
    };
  }

  /**
   * @returns the new account's id
   * @throws the driver's 23505 when the phone or user name belongs to another account
   */
  async create(account: NewAccount, db: Knex = this.#db): Promise<string> {
    const prepared = this.prepare(account);
    await this.insert([prepared], db);
    return prepared.id;
  }

  /** Seals and indexes a new account; nothing is stored yet. */
  prepare(account: NewAccount): PreparedAccount {
    const now = this.#parts.clock.now();
    const id = uuidV7();
    const { phone, email, username, realName } = account;
    const row: Row = {
      id,
      status: account.status ?? 'active',
      channel: account.channel,
      username_sealed: this.#seal(id, 'username_sealed', username),
      username_index: this.#index('username', username),
      phone_sealed: this.#seal(id, 'phone_sealed', phone),
      phone_index: this.#index('phone', phone),
      phone_verified_at: phone !== undefined && account.phoneVerified ? now : null,
      email_sealed: this.#seal(id, 'email_sealed', email),
      email_verified_at: email !== undefined && account.emailVerified ? now : null,
      real_name_level: realName.level,
      real_name_method: realName.method ?? null,
      real_name_at: realName.level > 1 ? (realName.at ?? now) : null,
      created_at: now,
      updated_at: now,
      version: 1,
    };
    const [usernameIndex, phoneIndex] = [
      row.username_index ?? undefined,
      row.phone_index ?? undefined,
    ];
    return { id, row: { ...row }, usernameIndex, phoneIndex };
  }

  /** @throws the driver's 23505 when a phone or user name belongs to another account */
  async insert(prepared: readonly PreparedAccount[], db: Knex = this.#db): Promise<void> {
    await insertRows(
      db,
      'accounts',
      prepared.map(({ row }) => row),
    );
  }

  /** Which of these blind indexes belong to which account. */
  async ownersOf(
    indexes: { readonly phones: readonly string[]; readonly usernames: readonly string[] },
    db: Knex = this.#db,
  ): Promise<Map<string, string>> {
    const { rows } = await db.raw<{ rows: { value: string; id: string }[] }>(
      `SELECT phone_index AS value, id FROM accounts WHERE phone_index = ANY(?)
       UNION ALL SELECT username_index, id FROM accounts WHERE username_index = ANY(?)`,
      [[...indexes.phones], [...indexes.usernames]],
    );
    return new Map(rows.map(({ value, id }) => [value, id]));
  }

  /**
   * Sets the status, on every node within a second; false when there is no such account or it
   * already has that status.
   */
  async changeStatus(id: string, status: AccountStatus, db: Knex = this.#db): Promise<boolean> {
    return await db.transaction(async (trx) => {
      const [changed] = await trx<Row>('accounts')
        .where({ id })
        .whereNot({ status })
        .update({
          ...{ status, updated_at: this.#parts.clock.now() },
          version: trx.raw('version + 1') as unknown as number,
        })
        .returning('version');
      if (!changed) return false;
      await this.#parts.feed.publish([{ kind: 'account', key: id, version: changed.version }], trx);
      return true;
    });
  }

  #index(domain: 'username' | 'phone', value: string | undefined): string | null {
    return value === undefined ? null : this.#parts.index.of(domain, value);
  }

  #seal(rowId: string, column: SealedColumn, value: string | undefined): string | null {
    if (value === undefined) return null;
    return this.#parts.sealer.seal(value, { table: 'accounts', column, rowId });
  }

  #open(row: Pick<Row, 'id' | SealedColumn>, column: SealedColumn): string | undefined {
    const sealed = row[column];
    if (sealed === null) return undefined;
    return this.#parts.sealer.open(sealed, { table: 'accounts', column, rowId: row.id });
  }
}

const toAccount = (row: Found): Account => ({
  id: row.id,
  status: row.status,
  realNameLevel: row.real_name_level,
  realNameMethod: row.real_name_method ?? undefined,
  realNameAt: row.real_name_at ?? undefined,
  updatedAt: row.updated_at,
  version: row.version,
});
