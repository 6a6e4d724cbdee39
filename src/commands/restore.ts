/**
 * `restore finish`, run once after the database was restored and before any server starts. A back-up
 * knows nothing of the sign-outs, revocations and used codes after it: whatever it calls alive may
 * have ended since. So everything ends here: sessions, grants and with them every refresh token,
 * codes and opaque tokens. People sign in again; sites are told by logout notices.
 */
import { parseRedisUrl } from '#lib/redis-url.ts';
import { systemOrigin } from '#lib/request-origin.ts';
import { enqueueLogoutNotices, type LogoutClients } from '#oidc/backchannel-logout.ts';
import { emptyRedis } from '#store/redis/emptying.ts';
import { FIRST_ACCOUNT, RestoredState } from '#store/restored-state.ts';
import type { EndedSession } from '#store/session-store.ts';
import { noticeClients } from './account.ts';
import type { CommandContext, Print } from './commands.ts';
import type { Records } from '#services.ts';

/** Accounts whose sessions end in one transaction, well within a statement's time. */
const PAGE_ACCOUNTS = 500;
const BATCH_RECORDS = 5000;

/** Interrupted, it goes on where it stopped: what is ended is not found again. */
export async function finishRestore(
  context: CommandContext,
  records: Records,
  print: Print,
): Promise<number> {
  await forgetCopies(context, print);
  const state = new RestoredState({ ...context, ...records });
  const total = { accounts: 0, sessions: 0 };
  const end = await createEnding(context, records, state);
  let page = await state.accountsAfter(FIRST_ACCOUNT, PAGE_ACCOUNTS);
  while (page.length > 0) {
    total.sessions += await end(page);
    total.accounts += page.length;
    page = await state.accountsAfter(page.at(-1) ?? '', PAGE_ACCOUNTS);
  }
  while ((await state.dropShortLived(BATCH_RECORDS)) > 0);
  await records.audit.record('sys_restored', total, systemOrigin);
  print(`Ended ${total.sessions} sessions and every grant of ${total.accounts} accounts.`);
  print(
    `Tokens that need no look-up live ${context.settings.lifetimes.accessTokenSeconds} s: ` +
      'let nobody in before the newest from before the restore has expired.',
  );
  return 0;
}

async function forgetCopies({ settings }: CommandContext, print: Print): Promise<void> {
  const target = parseRedisUrl(settings.redisUrl ?? '');
  if (!target) return;
  const removed = await emptyRedis(target, settings.redisKeyPrefix);
  print(`Removed ${removed} keys from Redis.`);
}

/** A function that ends a page of accounts, owing the sites their notices, and says how many sessions. */
async function createEnding(
  { db, ...context }: CommandContext,
  records: Records,
  state: RestoredState,
) {
  const clients = await knownClients(
    noticeClients({ db, ...context }, records),
    await state.sites(),
  );
  return async (accountIds: readonly string[]): Promise<number> => {
    const ended = await db.transaction(async (transaction) => {
      const sessions = await state.endAllOf(accountIds, transaction);
      for (const session of sessions) {
        await enqueueLogoutNotices(records.outbox, session, { clients, transaction });
      }
      return sessions;
    });
    await Promise.all(ended.map((session) => recordEnd(records, session)));
    return ended.length;
  };
}

/** Looked up before: on the embedded database a transaction leaves no connection for it. */
async function knownClients(
  clients: LogoutClients,
  ids: readonly string[],
): Promise<LogoutClients> {
  const known = new Map<string, Awaited<ReturnType<LogoutClients['find']>>>();
  for (const id of ids) known.set(id, await clients.find(id));
  return { find: (id) => Promise.resolve(known.get(id)) };
}

const recordEnd = ({ audit }: Records, { accountId, uid: sessionUid }: EndedSession) =>
  audit.record('session_ended', { accountId, sessionUid, reason: 'restored' }, systemOrigin);
