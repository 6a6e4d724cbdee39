/**
 * What a restored database holds and must not be used again, for `restore finish`
 * (restore-command.ts): it was true when the back-up was made, and what ended since is not known.
 */
import type { Knex } from 'knex';

/** Below every account id (UUID v7), to begin with. */
export const FIRST_ACCOUNT = '00000000-0000-0000-0000-000000000000';

/**
 * Accounts with a session or a grant that is not ended, in order of their ids.
 *
 * @param after - the last id of the page before
 */
export async function signedInAccounts(db: Knex, after: string, limit: number): Promise<string[]> {
  const of = (table: 'sessions' | 'grants', ended: string) =>
    db<{ account_id: string }>(table)
      .select('account_id')
      .where('account_id', '>', after)
      .whereNull(ended)
      .groupBy('account_id')
      .orderBy('account_id')
      .limit(limit);
  const rows = await db
    .with('session_accounts', of('sessions', 'ended_at'))
    .with('grant_accounts', of('grants', 'revoked_at'))
    .select<{ account_id: string }[]>('account_id')
    .from('session_accounts')
    .union(db.select('account_id').from('grant_accounts'))
    .orderBy('account_id')
    .limit(limit);
  return rows.map((row) => row.account_id);
}

/** Deletes codes, tokens, interactions and pushed requests, at most `limit`; returns how many. */
export async function dropShortLived(db: Knex, limit: number): Promise<number> {
  const some = db('short_lived_records').select('handle_hash', 'model').limit(limit);
  return await db('short_lived_records').whereIn(['handle_hash', 'model'], some).delete();
}
