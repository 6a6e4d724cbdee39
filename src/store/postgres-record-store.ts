/**
 * The record store on PostgreSQL, embedded or server (contract and reasons: record-store.ts).
 * Every decision that must hold under concurrency is one statement: `consume`, `useOnce`, `put` over
 * a used or revoked record. The grant switch is part of the look-up, not a second query.
 */
import type { Knex } from 'knex';
import type { Sealer } from '#crypto/sealing.ts';
import type { Clock } from '#lib/clock.ts';
import { onlyLiveGrants, revokeGrants } from './grants.ts';
import { hashOf, hashOrNull } from './handles.ts';
import { MODEL_PLACEMENT, type RecordTable } from './model-placement.ts';
import { currentSecond, fromUnix, secondsAfter, toUnix } from './moments.ts';
import type {
  ConsumeOutcome,
  Payload,
  RecordModel,
  RecordStore,
  StoredPayload,
} from './record-store.ts';

interface Row {
  handle_hash: Buffer;
  payload_sealed: string;
  consumed_at?: Date | null;
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
  readonly #sealer: Sealer;
  readonly #clock: Clock;

  constructor({ db, sealer, clock }: { db: Knex; sealer: Sealer; clock: Clock }) {
    this.#db = db;
    this.#sealer = sealer;
    this.#clock = clock;
  }

  async put(model: RecordModel, handle: string, payload: Payload, lifetimeSeconds: number) {
    const { table } = MODEL_PLACEMENT[model];
    const now = currentSecond(this.#clock);
    const row = {
      account_id: textOrNull(payload['accountId']),
      client_id: textOrNull(payload['clientId']),
      payload_sealed: this.#seal(table, handle, payload),
      expires_at: secondsAfter(now, lifetimeSeconds),
      ...(table !== 'grants' && {
        grant_hash: hashOrNull(payload['grantId']),
        consumed_at: usedAt(payload),
      }),
      ...(table === 'short_lived_records' && {
        uid_hash: hashOrNull(payload['uid']),
        user_code_hash: hashOrNull(payload['userCode']),
      }),
    };
    const key = { handle_hash: hashOf(handle), ...(table === 'short_lived_records' && { model }) };
    const insert = this.#db(table)
      .insert({ ...key, ...row })
      .onConflict(Object.keys(key));
    if (table === 'grants') {
      // A request that read the grant before it was revoked must not bring it back.
      await insert.merge(row).whereNull('grants.revoked_at');
    } else {
      await insert.merge({ ...row, consumed_at: this.#stillUsed(table, now) });
    }
  }

  async find(model: RecordModel, handle: string) {
    const row = await this.#live(model).where('handle_hash', hashOf(handle)).first();
    return this.#open(model, row, handle);
  }

  async findByUid(model: RecordModel, uid: string) {
    return await this.#findByIndex(model, 'uid_hash', uid);
  }

  async findByUserCode(model: RecordModel, userCode: string) {
    return await this.#findByIndex(model, 'user_code_hash', userCode);
  }

  async consume(model: RecordModel, handle: string): Promise<ConsumeOutcome> {
    if (MODEL_PLACEMENT[model].table === 'grants') throw new Error('A grant is not used up.');
    const rows = () => this.#live(model).where('handle_hash', hashOf(handle));
    const used = await rows()
      .whereNull('consumed_at')
      .update({ consumed_at: currentSecond(this.#clock) });
    if (used === 1) return 'used';
    return (await rows().first()) ? 'already_used' : 'absent';
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
    const chosen = (query: Knex.QueryBuilder) => void query.where('handle_hash', hashOf(grantId));
    return (await revokeGrants(this.#db, currentSecond(this.#clock), chosen)) === 1;
  }

  async revokeGrantsOf(accountId: string, clientId?: string) {
    return await revokeGrants(this.#db, currentSecond(this.#clock), (query) => {
      void query.where('account_id', accountId);
      if (clientId !== undefined) void query.where('client_id', clientId);
    });
  }

  async useOnce(scope: string, value: string, expiresAt: number) {
    const now = currentSecond(this.#clock);
    // Nothing may be used at or after its end; taking the mark would let everyone take it.
    if (expiresAt <= toUnix(now)) return false;
    const taken: unknown[] = await this.#db('replay_marks')
      .insert({
        mark_hash: hashOf(JSON.stringify([scope, value])),
        expires_at: fromUnix(expiresAt),
      })
      .onConflict('mark_hash')
      .merge()
      .where('replay_marks.expires_at', '<=', now)
      .returning('expires_at');
    return taken.length === 1;
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

  async #findByIndex(model: RecordModel, column: 'uid_hash' | 'user_code_hash', value: string) {
    if (MODEL_PLACEMENT[model].table !== 'short_lived_records') return undefined;
    return this.#open(model, await this.#live(model).where(column, hashOf(value)).first());
  }

  /** A live record that was used stays used, even if a request that read it before saves it again. */
  #stillUsed(table: RecordTable, now: Date) {
    return this.#db.raw(
      'CASE WHEN ??.expires_at > ? THEN COALESCE(??.consumed_at, EXCLUDED.consumed_at) ' +
        'ELSE EXCLUDED.consumed_at END',
      [table, now, table],
    );
  }

  /**
   * Seals a payload without `consumed`, which has a column, and without its `jti` when that is the
   * handle (`true` stands for it). A record that is also found by user code or uid keeps its handle,
   * sealed: whoever finds it so must be able to save it again.
   */
  #seal(table: RecordTable, handle: string, payload: Payload): string {
    const kept = { ...payload, consumed: undefined };
    const foundOtherwise = 'userCode' in payload || 'uid' in payload;
    const text = JSON.stringify(
      payload['jti'] === handle && !foundOtherwise ? { ...kept, jti: true } : kept,
    );
    return this.#sealer.seal(text, cellOf(table, hashOf(handle)));
  }

  /** @param handle - undefined when the record was found by another name */
  #open(model: RecordModel, row: Row | undefined, handle?: string): StoredPayload | undefined {
    if (!row) return undefined;
    const cell = cellOf(MODEL_PLACEMENT[model].table, row.handle_hash);
    const payload = JSON.parse(this.#sealer.open(row.payload_sealed, cell)) as Payload;
    return {
      ...payload,
      ...(payload['jti'] === true && handle !== undefined && { jti: handle }),
      ...(row.consumed_at && { consumed: toUnix(row.consumed_at) }),
    };
  }
}

const cellOf = (table: RecordTable, handleHash: Buffer) => ({
  table,
  column: 'payload_sealed',
  rowId: handleHash.toString('hex'),
});

const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null);

const usedAt = ({ consumed }: Payload): Date | null =>
  typeof consumed === 'number' ? fromUnix(consumed) : null;
