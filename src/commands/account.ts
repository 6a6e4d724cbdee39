/** Locking and unlocking an account from the command line: blocked at once, on every server. */
import { parseAccountIdentifier } from '#lib/account-identifier.ts';
import { systemOrigin } from '#lib/request-origin.ts';
import type { LogoutClients } from '#oidc/backchannel-logout.ts';
import { createClientDirectory } from '#oidc/client-directory.ts';
import { SessionEnding } from '#oidc/session-ending.ts';
import type { CommandContext, Print } from './commands.ts';
import { createRecords, type Records } from '#services.ts';

export const lockAccount = (context: CommandContext, args: readonly string[], print: Print) =>
  changeStatus(context, args, print, 'locked');

export const unlockAccount = (context: CommandContext, args: readonly string[], print: Print) =>
  changeStatus(context, args, print, 'active');

async function changeStatus(
  context: CommandContext,
  [typed, reason]: readonly string[],
  print: Print,
  status: 'locked' | 'active',
): Promise<number> {
  if (typed === undefined || reason === undefined) {
    print('Usage: npm run cli -- account lock|unlock ACCOUNT REASON');
    return 2;
  }
  const identifier = parseAccountIdentifier(typed, context.clock);
  const records = createRecords(context);
  try {
    const accountId = identifier && (await records.accounts.findIdBy(identifier));
    const account = accountId === undefined ? undefined : await records.accounts.find(accountId);
    if (!account) {
      print('There is no such account.');
      return 1;
    }
    if (account.status !== 'active' && account.status !== 'locked') {
      print(`The account is ${account.status}; that is not undone by this command.`);
      return 1;
    }
    const changed = await context.db.transaction(async (transaction) => {
      if (!(await records.accounts.changeStatus(account.id, status, transaction))) return false;
      const details = { accountId: account.id, from: account.status, to: status, reason };
      await records.audit.record('account_status_changed', details, systemOrigin, { transaction });
      return true;
    });
    const ended = status === 'locked' ? await endSessions(context, records, account.id) : 0;
    print(`The account is ${status}${changed ? '' : ' already'}; ${ended} sessions ended.`);
    return 0;
  } finally {
    await records.audit.close();
  }
}

async function endSessions(context: CommandContext, records: Records, accountId: string) {
  const clients = noticeClients(context, records);
  const ending = new SessionEnding({ ...records, clients: () => clients });
  return await ending.endAllOf(accountId, 'account_status', systemOrigin);
}

/** Where sites want to hear of sign-outs, without a provider; servers' outbox workers tell them. */
export function noticeClients({ settings }: CommandContext, records: Records): LogoutClients {
  const findClient = createClientDirectory(records, settings.issuer);
  return {
    find: async (id) => {
      const uri = (await findClient(id)).value?.['backchannel_logout_uri'];
      return typeof uri === 'string' ? { backchannelLogoutUri: uri } : undefined;
    },
  };
}
