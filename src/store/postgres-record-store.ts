/**
 * The record store on PostgreSQL, embedded or server (contract and reasons: record-store.ts).
 * Every decision that must hold under concurrency is one statement: `consume`, `useOnce`, `put` over
 * a used or revoked record. The grant switch is part of the look-up, not a second query.
 */
import type { Knex } from 'knex';
import type { Sealer } from '#crypto/sealing.ts';
import type { Clock } from '#lib/clock.ts';
import type { ChangeFeed } from './change-feed.ts';
import { asChanges, FIND_GRANT, onlyLiveGrants, revokeGrants, SAVE_GRANT } from './grants.ts';
import { hashOf, hashOrNull } from './handles.ts';
import { MODEL_PLACEMENT, type RecordTable } from './model-placement.ts';
import { currentSecond, fromUnix, secondsAfter, toUnix } from './moments.ts';
import { packPayload, RecordCells } from './record-cells.ts';
import { FIND_REFRESH_TOKEN, FIND_SHORT_LIVED, ROTATE_REFRESH_TOKEN } from './record-sql.ts';
import type {
  Commit,
  ConsumeOutcome,
  GrantChoice,
  FoundRecord,
  Payload,
  RecordModel,
  RecordStore,
  StoredPayload,
} from './record-store.ts';
import { UseMarks } from './use-marks.ts';

interface Row {
  handle_hash: Buffer;
  payload_sealed: string;
  consumed_at: Date | null;
}

/** A Grant with what a copy of it must carry. */
export interface FoundGrant {
  readonly payload: StoredPayload;
  readonly version: number;
  /** Unix seconds. */
  readonly expiresAt: number;
}

export interface PostgresRecordStoreParts {
  readonly db: Knex;
  readonly sealer: Sealer;
  readonly clock: Clock;
  /** Learns at once what this process revoked; without one other processes do all the same. */
  readonly feed?: Pick<ChangeFeed, 'apply'> | undefined;
}

/** Rows to delete per table, and the columns that name one. */
const SWEPT = [
  ['grants', ['handle_hash']],
  ['refresh_tokens', ['handle_hash']],
  ['short_lived_records', ['handle_hash', 'model']],
  ['replay_marks', ['mark_hash']],
] as const;

export class PostgresRecordStore implements RecordStore {
  readonly #db: Knex;
  readonly #cells: RecordCells;
  readonly #clock: Clock;
  readonly #feed: PostgresRecordStoreParts['feed'];
  readonly #marks: UseMarks;

  constructor({ db, sealer, clock, feed }: PostgresRecordStoreParts) {
    this.#db = db;
    this.#cells = new RecordCells(sealer);
    this.#clock = clock;
    this.#feed = feed;
    this.#marks = new UseMarks(db, clock);
  }

  async put(model: RecordModel, handle: string, payload: Payload, lifetimeSeconds: number) {
    const { table } = MODEL_PLACEMENT[model];
    if (table === 'grants') {
      await this.putGrant(handle, payload, lifetimeSeconds);
      return;
    }
    const now = currentSecond(this.#clock);
    const row = {
      account_id: textOrNull(payload['accountId']),
      client_id: textOrNull(payload['clientId']),
      payload_sealed: this.#cells.seal(table, hashOf(handle), packPayload(handle, payload)),
      expires_at: secondsAfter(now, lifetimeSeconds),
      grant_hash: hashOrNull(payload['grantId']),
      consumed_at: usedAt(payload),
      ...(table === 'short_lived_records' && { user_code_hash: hashOrNull(payload['userCode']) }),
    };
    const key = { handle_hash: hashOf(handle), ...(table === 'short_lived_records' && { model }) };
    await this.#db(table)
      .insert({ ...key, ...row })
      .onConflict(Object.keys(key))
      .merge({ ...row, consumed_at: this.#stillUsed(table, now) });
  }

  /** @returns the version that copies carry; undefined when the grant was revoked meanwhile */
  async putGrant(
    grantId: string,
    payload: Payload,
    lifetimeSeconds: number,
    commit: Commit = (write) => write(this.#db),
  ): Promise<number | undefined> {
    const hash = hashOf(grantId);
    const grant = {
      hash,
      accountId: textOrNull(payload['accountId']),
      clientId: textOrNull(payload['clientId']),
      payload: this.#cells.seal('grants', hashOf(grantId), packPayload(grantId, payload)),
      expiresAt: secondsAfter(currentSecond(this.#clock), lifetimeSeconds),
    };
    const saved = await commit((db) => SAVE_GRANT.first(db, grant));
    if (saved && saved.version > 1) {
      const key = hash.toString('hex');
      this.#feed?.apply([{ kind: 'grant', key, version: saved.version }]);
    }
    return saved?.version;
  }

  async find(model: RecordModel, handle: string) {
    return (await this.findWithGrant(model, handle))?.payload;
  }

  async findGrant(grantId: string): Promise<FoundGrant | undefined> {
    const hash = hashOf(grantId);
    const row = await FIND_GRANT.first(this.#db, { hash, now: currentSecond(this.#clock) });
    if (!row) return undefined;
    return {
      payload: this.#cells.open('grants', hash, row.payload_sealed, grantId),
      version: row.version,
      expiresAt: toUnix(row.expires_at),
    };
  }

  async findWithGrant(model: RecordModel, handle: string): Promise<FoundRecord | undefined> {
    const { table, followsGrant } = MODEL_PLACEMENT[model];
    if (table === 'grants') return await this.findGrant(handle);
    const now = currentSecond(this.#clock);
    const hash = hashOf(handle);
    const row =
      table === 'refresh_tokens'
        ? await FIND_REFRESH_TOKEN.first(this.#db, { hash, now })
        : await FIND_SHORT_LIVED.first(this.#db, { hash, model, now, followsGrant });
    return row && this.#cells.openRow(table, hash, row, handle);
  }

  async findByUserCode(model: RecordModel, userCode: string) {
    const { table } = MODEL_PLACEMENT[model];
    if (table !== 'short_lived_records') return undefined;
    const row = await this.#live(model).where('user_code_hash', hashOf(userCode)).first();
    return row && this.#cells.openRow(table, row.handle_hash, row).payload;
  }

  async consume(model: RecordModel, handle: string): Promise<ConsumeOutcome> {
    if (MODEL_PLACEMENT[model].table === 'grants') throw new Error('A grant is not used up.');
    const used = await this.#live(model)
      .where('handle_hash', hashOf(handle))
      .whereNull('consumed_at')
      .update({ consumed_at: currentSecond(this.#clock) });
    if (used === 1) return 'used';
    return (await this.find(model, handle)) ? 'already_used' : 'absent';
  }

  async rotate(usedHandle: string, handle: string, payload: Payload, lifetimeSeconds: number) {
    const now = currentSecond(this.#clock);
    const rotated = await ROTATE_REFRESH_TOKEN.count(this.#db, {
      ...{ usedHash: hashOf(usedHandle), now, hash: hashOf(handle) },
      grantHash: hashOrNull(payload['grantId']),
      accountId: textOrNull(payload['accountId']),
      clientId: textOrNull(payload['clientId']),
      payload: this.#cells.seal('refresh_tokens', hashOf(handle), packPayload(handle, payload)),
      expiresAt: secondsAfter(now, lifetimeSeconds),
    });
    if (rotated === 1) return 'used';
    return (await this.find('RefreshToken', usedHandle)) ? 'already_used' : 'absent';
  }

  async remove(model: RecordModel, handle: string) {
    const { table } = MODEL_PLACEMENT[model];
    if (table === 'grants') {
      await this.revokeGrant(handle);
      return;
    }
    const key = { handle_hash: hashOf(handle), ...(table === 'short_lived_records' && { model }) };
    await this.#db(table).where(key).delete();
  }

  async revokeGrant(grantId: string) {
    return (await this.#revoke((query) => void query.where('handle_hash', hashOf(grantId)))) > 0;
  }

  async revokeGrantsOf(accountId: string, { clientId, exceptGrantIds = [] }: GrantChoice = {}) {
    return await this.#revoke((query) => {
      void query.where('account_id', accountId);
      if (clientId !== undefined) void query.where('client_id', clientId);
      void query.whereNotIn('handle_hash', exceptGrantIds.map(hashOf));
    });
  }

  async useOnce(scope: string, value: string, expiresAt: number) {
    return await this.#marks.take(scope, value, expiresAt);
  }

  /** Whether `useOnce` was told of it, and its time has not passed. */
  async wasUsed(scope: string, value: string) {
    return await this.#marks.has(scope, value);
  }

  /** Unix seconds when the last record expires that Redis might hold; 0 when there is none. */
  async lastVolatileEnd(): Promise<number> {
    const [row] = await this.#db('short_lived_records')
      .whereNot('model', 'Interaction')
      .max<{ end: Date | null }[]>({ end: 'expires_at' });
    return row?.end ? toUnix(row.end) : 0;
  }

  async sweep(limit: number) {
    let swept = 0;
    for (const [table, key] of SWEPT) {
      const due = this.#db(table)
        .select(key)
        .where('expires_at', '<=', currentSecond(this.#clock))
        .orderBy('expires_at')
        .limit(limit)
        .forUpdate()
        .skipLocked();
      // As a CTE it is evaluated once; as a subquery it may run again for each row, past its limit.
      swept += await this.#db(table)
        .with('due', due)
        .whereIn(key, this.#db.select(key).from('due'))
        .delete();
    }
    return swept;
  }

  /** Rows of a model that are neither expired nor switched off by their grant. */
  #live(model: RecordModel) {
    const { table, followsGrant } = MODEL_PLACEMENT[model];
    const now = currentSecond(this.#clock);
    const query = this.#db<Row>(table).where(`${table}.expires_at`, '>', now);
    if (table === 'short_lived_records') void query.where('model', model);
    if (table === 'grants') void query.modify(onlyLiveGrants, now);
    if (followsGrant) {
      // Correlated, so that it is one probe of the primary key whatever number of grants there is.
      const grant = this.#db('grants')
        .where('grants.handle_hash', this.#db.ref(`${table}.grant_hash`))
        .modify(onlyLiveGrants, now);
      void query.where((either) => void either.whereNull('grant_hash').orWhereExists(grant));
    }
    return query;
  }

  async #revoke(chosen: (query: Knex.QueryBuilder) => void): Promise<number> {
    const revoked = await revokeGrants(this.#db, currentSecond(this.#clock), chosen);
    this.#feed?.apply(asChanges(revoked));
    return revoked.length;
  }

  /** A live record that was used stays used, even if a request that read it before saves it again. */
  #stillUsed(table: RecordTable, now: Date) {
    return this.#db.raw(
      'CASE WHEN ??.expires_at > ? THEN COALESCE(??.consumed_at, EXCLUDED.consumed_at) ' +
        'ELSE EXCLUDED.consumed_at END',
      [table, now, table],
    );
  }
}

const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null);

const usedAt = ({ consumed }: Payload): Date | null =>
  typeof consumed === 'number' ? fromUnix(consumed) : null;
