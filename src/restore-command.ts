/**
 * `restore finish`, run once after the database was restored and before any server starts. A back-up
 * knows nothing of the sign-outs, revocations and used codes after it: whatever it calls alive may
 * have ended since. So everything ends here: sessions, grants and with them every refresh token,
 * codes and opaque tokens. People sign in again; sites are told by logout notices.
 */
import { systemOrigin } from '#lib/request-origin.ts';
import { dropShortLived, FIRST_ACCOUNT, signedInAccounts } from '#store/restored-state.ts';
import { createSessionEnding } from './account-commands.ts';
import type { CommandContext, Print } from './commands.ts';
import type { Records } from './services.ts';

/** Accounts per page, ended in parallel as far as the pool has connections. */
const PAGE_ACCOUNTS = 200;
const BATCH_RECORDS = 5000;

/** Interrupted, it goes on where it stopped: what is ended is not found again. */
export async function finishRestore(
  context: CommandContext,
  records: Records,
  print: Print,
): Promise<number> {
  const { db, settings } = context;
  const ending = createSessionEnding(context, records);
  const total = { accounts: 0, sessions: 0 };
  let page = await signedInAccounts(db, FIRST_ACCOUNT, PAGE_ACCOUNTS);
  while (page.length > 0) {
    for (const ended of await inParallel(page, (id) =>
      ending.endAllOf(id, 'restored', systemOrigin),
    )) {
      total.sessions += ended;
    }
    total.accounts += page.length;
    page = await signedInAccounts(db, page.at(-1) ?? '', PAGE_ACCOUNTS);
  }
  while ((await dropShortLived(db, BATCH_RECORDS)) > 0);
  await records.audit.record('sys_restored', total, systemOrigin);
  print(`Ended ${total.sessions} sessions and every grant of ${total.accounts} accounts.`);
  print(
    `Tokens that need no look-up live ${settings.lifetimes.accessTokenSeconds} s: ` +
      'let nobody in before the newest from before the restore has expired.',
  );
  return 0;
}

/** Fewer at a time than the pool has connections, so that none waits longer than the pool lets it. */
const AT_A_TIME = 8;

async function inParallel<Item, Result>(
  items: readonly Item[],
  action: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const queue = items.values();
  const work = async () => {
    for (const item of queue) results.push(await action(item));
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  return results;
}
