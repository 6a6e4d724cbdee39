/**
 * Identity documents of accounts. A bound number belongs to one account in the whole system; the
 * database's unique index decides between concurrent claims.
 */
import type { Knex } from 'knex';
import { v7 as uuidV7 } from 'uuid';
import type { BlindIndex } from '#crypto/blind-index.ts';
import type { Sealer } from '#crypto/sealing.ts';
import type { Clock } from '#lib/clock.ts';
import { insertRows } from '#store/insert-rows.ts';
import { statement } from '#store/statement.ts';

/** Document type codes; the other types of the design come with their rules. */
export type DocumentType = 'resident_id';

/** Types that share one numbering, so that one number cannot be bound twice under two names. */
const TYPE_GROUPS: Readonly<Record<DocumentType, string>> = { resident_id: 'gb11643' };

/** An opened document: sensitive personal data. */
export interface IdentityDocument {
  readonly type: DocumentType;
  readonly number: string;
  readonly name: string;
  /** Last day of validity as YYYY-MM-DD; undefined for 长期. */
  readonly validTo: string | undefined;
  readonly isBound: boolean;
}

export interface NewDocument {
  readonly accountId: string;
  readonly type: DocumentType;
  /** Folded and checked by lib/resident-id.ts. */
  readonly number: string;
  readonly name: string;
  readonly validTo?: string;
  /** Who confirmed it, how and when (now when absent); absent when the person merely typed it. */
  readonly verified?: {
    readonly by: string;
    readonly how: string;
    readonly at?: Date;
    /** Where the proof is kept; names nobody. */
    readonly evidence?: string;
  };
}

/** A sealed row that waits to be inserted. */
export interface PreparedDocument {
  readonly row: Readonly<Record<string, unknown>>;
  /** Blind index of a bound number, which may not belong to another account. */
  readonly boundIndex: string | undefined;
}

interface Row {
  id: string;
  account_id: string;
  type: DocumentType;
  type_group: string;
  country: string;
  number_sealed: string;
  number_index: string;
  name_sealed: string;
  valid_to: string | null;
  verified_at: Date | null;
  verified_by: string | null;
  verified_how: string | null;
  evidence: string | null;
  is_bound: boolean;
  is_primary: boolean;
  created_at: Date;
}

const FIND_ACCOUNT = statement<
  { group: string; candidates: readonly string[] },
  { account_id: string }
>(
  'identity_documents.find_account',
  `
  SELECT account_id FROM identity_documents
  WHERE type_group = :group AND country = 'CHN' AND number_index = ANY (:candidates) AND is_bound
  LIMIT 1`,
);

type Primary = Pick<Row, 'id' | 'type' | 'number_sealed' | 'name_sealed' | 'valid_to' | 'is_bound'>;

// `date` as text: the driver would turn it into midnight of the machine's own time zone.
const PRIMARY = statement<{ accountId: string }, Primary>(
  'identity_documents.primary',
  `
  SELECT id, type, number_sealed, name_sealed, to_char(valid_to, 'YYYY-MM-DD') AS valid_to, is_bound
  FROM identity_documents WHERE account_id = :accountId AND is_primary`,
);

export class IdentityDocuments {
  readonly #db: Knex;
  readonly #sealer: Sealer;
  readonly #index: BlindIndex;
  readonly #clock: Clock;

  constructor(parts: { db: Knex; sealer: Sealer; index: BlindIndex; clock: Clock }) {
    this.#db = parts.db;
    this.#sealer = parts.sealer;
    this.#index = parts.index;
    this.#clock = parts.clock;
  }

  /**
   * Adds the primary document of an account.
   *
   * One INSERT: of n concurrent claims on one number, exactly one returns `added`.
   *
   * @returns `taken` when the number is bound to an account already
   */
  async addPrimary(document: NewDocument, db: Knex = this.#db): Promise<'added' | 'taken'> {
    const inserted = await db<Row>('identity_documents')
      .insert({ ...this.prepare(document, { isPrimary: true }).row })
      .onConflict(db.raw('(type_group, country, number_index) WHERE is_bound'))
      .ignore()
      .returning('id');
    return inserted.length === 1 ? 'added' : 'taken';
  }

  /** Seals and indexes a document; nothing is stored yet. */
  prepare(document: NewDocument, { isPrimary }: { isPrimary: boolean }): PreparedDocument {
    const id = uuidV7();
    const now = this.#clock.now();
    const cell = (column: string) => ({ table: 'identity_documents', column, rowId: id });
    const group = TYPE_GROUPS[document.type];
    const { verified } = document;
    const row: Row = {
      id,
      account_id: document.accountId,
      type: document.type,
      type_group: group,
      country: 'CHN',
      number_sealed: this.#sealer.seal(document.number, cell('number_sealed')),
      number_index: this.#index.of(`document:${group}`, document.number),
      name_sealed: this.#sealer.seal(document.name, cell('name_sealed')),
      valid_to: document.validTo ?? null,
      verified_at: verified ? (verified.at ?? now) : null,
      verified_by: verified?.by ?? null,
      verified_how: verified?.how ?? null,
      evidence: verified?.evidence ?? null,
      is_bound: verified !== undefined,
      is_primary: isPrimary,
      created_at: now,
    };
    return { row: { ...row }, boundIndex: verified && row.number_index };
  }

  /** @throws the driver's 23505 when a number is bound to another account */
  async insert(prepared: readonly PreparedDocument[], db: Knex = this.#db): Promise<void> {
    await insertRows(
      db,
      'identity_documents',
      prepared.map(({ row }) => row),
    );
  }

  /** Which of these blind indexes of numbers are bound to which account. */
  async ownersOf(indexes: readonly string[], db: Knex = this.#db): Promise<Map<string, string>> {
    const { rows } = await db.raw<{ rows: { value: string; id: string }[] }>(
      `SELECT number_index AS value, account_id AS id FROM identity_documents
        WHERE is_bound AND type_group = ANY(?) AND country = 'CHN' AND number_index = ANY(?)`,
      [Object.values(TYPE_GROUPS), [...indexes]],
    );
    return new Map(rows.map(({ value, id }) => [value, id]));
  }

  /** The account that a bound number belongs to. */
  async findAccountByNumber(type: DocumentType, number: string): Promise<string | undefined> {
    const group = TYPE_GROUPS[type];
    const candidates = this.#index.candidates(`document:${group}`, number);
    const row = await FIND_ACCOUNT.first(this.#db, { group, candidates });
    return row?.account_id;
  }

  /** @throws SealBroken when a stored value was tampered with */
  async primaryOf(accountId: string): Promise<IdentityDocument | undefined> {
    const row = await PRIMARY.first(this.#db, { accountId });
    if (!row) return undefined;
    const open = (column: 'number_sealed' | 'name_sealed') =>
      this.#sealer.open(row[column], { table: 'identity_documents', column, rowId: row.id });
    return {
      type: row.type,
      number: open('number_sealed'),
      name: open('name_sealed'),
      validTo: row.valid_to ?? undefined,
      isBound: row.is_bound,
    };
  }
}
