/**
 * What a restored database calls alive, for `restore finish` (commands/restore.ts): it was true when
 * the back-up was made, and what ended since is not known.
 */
import type { Knex } from 'knex';
import type { Sealer } from '#crypto/sealing.ts';
import type { Clock } from '#lib/clock.ts';
import type { ChangeFeed } from './change-feed.ts';
import { revokeGrants } from './grants.ts';
import { currentSecond } from './moments.ts';
import { SessionCells } from './session-cells.ts';
import { endSessions } from './session-ending.ts';
import type { EndedSession } from './session-store.ts';

/** Below every account id (UUID v7), to begin with. */
export const FIRST_ACCOUNT = '00000000-0000-0000-0000-000000000000';

export interface RestoredStateParts {
  readonly db: Knex;
  readonly sealer: Sealer;
  readonly feed: ChangeFeed;
  readonly clock: Clock;
}

export class RestoredState {
  readonly #db: Knex;
  readonly #cells: SessionCells;
  readonly #feed: ChangeFeed;
  readonly #clock: Clock;

  constructor({ db, sealer, feed, clock }: RestoredStateParts) {
    this.#db = db;
    this.#cells = new SessionCells(sealer);
    this.#feed = feed;
    this.#clock = clock;
  }

  /**
   * Accounts with a session or a grant that is not ended, in order of their ids.
   *
   * @param after - the last id of the page before
   */
  async accountsAfter(after: string, limit: number): Promise<string[]> {
    const of = (table: 'sessions' | 'grants', ended: string) =>
      this.#db<{ account_id: string }>(table)
        .select('account_id')
        .where('account_id', '>', after)
        .whereNull(ended)
        .groupBy('account_id')
        .orderBy('account_id')
        .limit(limit);
    const rows = await this.#db
      .with('session_accounts', of('sessions', 'ended_at'))
      .with('grant_accounts', of('grants', 'revoked_at'))
      .select<{ account_id: string }[]>('account_id')
      .from('session_accounts')
      .union(this.#db.select('account_id').from('grant_accounts'))
      .orderBy('account_id')
      .limit(limit);
    return rows.map((row) => row.account_id);
  }

  /** Sites that somebody is signed in at. */
  async sites(): Promise<string[]> {
    return await this.#db<{ client_id: string }>('session_sites').distinct().pluck('client_id');
  }

  /** Ends every session and grant of these accounts, in the caller's transaction. */
  async endAllOf(accountIds: readonly string[], trx: Knex.Transaction): Promise<EndedSession[]> {
    const now = currentSecond(this.#clock);
    const chosen = (query: Knex.QueryBuilder) => void query.whereIn('account_id', accountIds);
    const ended = await endSessions({ db: trx, cells: this.#cells, feed: this.#feed }, now, chosen);
    await revokeGrants(trx, now, chosen);
    return ended;
  }

  /** Deletes codes, tokens, interactions and pushed requests, at most `limit`; returns how many. */
  async dropShortLived(limit: number): Promise<number> {
    const some = this.#db('short_lived_records').select('handle_hash', 'model').limit(limit);
    return await this.#db('short_lived_records').whereIn(['handle_hash', 'model'], some).delete();
  }
}
