/**
 * Whether an account may be used, for what asks with every token. Never more than a second behind a
 * change, on any node; who decides over a sign-in asks `Accounts` itself.
 */
import type { ChangeFeed } from '#store/change-feed.ts';
import { VersionedCache } from '#store/versioned-cache.ts';
import type { Account, Accounts } from './accounts.ts';

/** About 300 bytes each. */
const MAX_CACHED = 20_000;

export const createAccountStates = (parts: {
  readonly accounts: Pick<Accounts, 'find'>;
  readonly feed: Pick<ChangeFeed, 'isTrusted'>;
}): VersionedCache<Account> =>
  new VersionedCache({
    ...{ feed: parts.feed, kind: 'account', maxEntries: MAX_CACHED },
    load: async (id) => {
      const value = await parts.accounts.find(id);
      return { value, version: value?.version ?? 0 };
    },
  });
