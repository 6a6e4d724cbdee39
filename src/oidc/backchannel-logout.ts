/**
 * Tells sites that a session ended (OpenID Connect Back-Channel Logout 1.0). The library would post
 * to every site while the person waits, once; here each notice becomes a job of the outbox, and the
 * logout token is signed when it is sent, with the keys and the registration of that moment.
 *
 * services.ts installs the outbox into the provider and gives the handler to the outbox worker.
 * Whatever else ends a session (an administrator, a password change) calls enqueueLogoutNotices.
 */
import { createHash, randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import Provider, { errors, type Client } from 'oidc-provider';
import { z } from 'zod';
import type { DeliveryOutcome, OutboxHandler } from '#jobs/delivery.ts';
import type { Outbox } from '#jobs/outbox.ts';
import type { EndedSession } from '#store/session-store.ts';

export const LOGOUT_NOTICE_KIND = 'backchannel_logout';

/** Claim of a logout token; its value is the empty object (Back-Channel Logout 1.0 §2.4). */
const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';
/** A site that answers 400 refuses this token (§2.8); a few tries, in case its keys were stale. */
const MAX_REFUSALS = 5;

const noticeSchema = z.object({
  clientId: z.string(),
  accountId: z.string(),
  sid: z.string().optional(),
});

/** Who is told about whom; `accountId` is internal, the site gets its own pairwise `sub`. */
export type LogoutNotice = z.output<typeof noticeSchema>;

/** For the audit. */
export interface LogoutNoticeEnd extends LogoutNotice {
  /** The token's `jti`. */
  readonly id: string;
  readonly attempts: number;
  readonly httpStatus: number | undefined;
  readonly errorCode: string | undefined;
}

export interface LogoutNoticeParts {
  /** The egress module's; it vets addresses and limits time. */
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly onDelivered?: (end: LogoutNoticeEnd) => Promise<void>;
  readonly onGivenUp?: (end: LogoutNoticeEnd) => Promise<void>;
}

/** The site's registration as far as notices go; oidc-provider's `provider.Client` is one. */
export interface LogoutClients {
  find(clientId: string): Promise<Pick<Client, 'backchannelLogoutUri'> | undefined>;
}

/**
 * Makes the provider's own logout enqueue notices instead of posting them. Its `backchannel.success`
 * then means "queued"; that a notice arrived is told by the handler's `onDelivered`.
 *
 * @throws Error when this version of the library has no such method: better no start than no notices
 */
export function installBackchannelOutbox(provider: Provider, outbox: Outbox): void {
  const prototype = provider.Client.prototype as Client & {
    backchannelLogout?: (this: Client, accountId: string, sid?: string) => Promise<void>;
  };
  if (typeof prototype.backchannelLogout !== 'function') {
    throw new Error('oidc-provider has no Client.prototype.backchannelLogout; see PROVIDER-NOTES');
  }
  prototype.backchannelLogout = async function (accountId, sid) {
    // One notice per sign-out form, however often the form is sent. Not per sid alone: a sign-out
    // that failed half-way leaves the site its sid, and the next one must be told again.
    const form = Provider.ctx?.oidc.session?.state?.['secret'];
    const id = noticeId(this.clientId, sid, typeof form === 'string' ? form : randomUUID());
    await enqueue(outbox, this, { clientId: this.clientId, accountId, sid }, { id });
  };
  // The library tells of the failure and goes on. A sign-out that leaves a site untold must fail as
  // a whole, so that the person repeats it while the session still knows its sites.
  provider.on('backchannel.error', (_ctx, error) => {
    throw error;
  });
}

/**
 * Owes a notice to every site of an ended session that wants one. For sessions ended by anything but
 * the provider's own logout. Calling it again for the same session adds nothing.
 *
 * @param options.transaction - the one that ended the session; on the embedded database `clients`
 *   must then answer without a query of its own
 * @returns how many sites will be told
 */
export async function enqueueLogoutNotices(
  outbox: Outbox,
  ended: EndedSession,
  options: { clients: LogoutClients; transaction?: Knex.Transaction },
): Promise<number> {
  const { clients, transaction } = options;
  const { accountId, uid } = ended;
  if (accountId === undefined) return 0;
  let told = 0;
  for (const [clientId, { sid }] of Object.entries(ended.sites)) {
    const client = await findForNotice(clients, clientId);
    if (client?.backchannelLogoutUri === undefined) continue;
    const id = noticeId(clientId, sid, uid);
    const notice = { clientId, accountId, sid };
    await enqueue(outbox, client, notice, { id, ...(transaction && { transaction }) });
    told += 1;
  }
  return told;
}

/** A registration that is broken must not keep a session alive; it may be whole when we send. */
async function findForNotice(clients: LogoutClients, clientId: string) {
  try {
    return await clients.find(clientId);
  } catch (error) {
    if (error instanceof errors.OIDCProviderError) return { backchannelLogoutUri: '' };
    throw error;
  }
}

/** The handler of kind LOGOUT_NOTICE_KIND for the outbox worker. */
export function createLogoutNoticeHandler(
  getProvider: () => Provider,
  parts: LogoutNoticeParts,
): OutboxHandler {
  return {
    deliver: async (payload, { id, number, signal }) => {
      const { success, data: notice } = noticeSchema.safeParse(payload);
      if (!success) return { result: 'given_up', errorCode: 'payload' };
      const provider = getProvider();
      const client = await provider.Client.find(notice.clientId);
      if (!client) return { result: 'given_up', errorCode: 'client_gone' };
      const url = client.backchannelLogoutUri;
      if (url === undefined) return { result: 'given_up', errorCode: 'no_endpoint' };
      const token = await signLogoutToken(provider, client, notice, id);
      const outcome = await post(parts.fetch, url, token, signal);
      const refused = outcome.httpStatus === 400 && number >= MAX_REFUSALS;
      return refused ? { ...outcome, result: 'given_up' } : outcome;
    },

    finished: async (payload, { id, result, attempts, httpStatus, errorCode }) => {
      const { success, data: notice } = noticeSchema.safeParse(payload);
      if (!success) return;
      const tell = result === 'delivered' ? parts.onDelivered : parts.onGivenUp;
      await tell?.({ ...notice, id, attempts, httpStatus, errorCode });
    },
  };
}

/**
 * A logout token (§2.4) as the library makes it – `iss`, `aud`, `iat`, `exp` in 120 s, the client's
 * ID token algorithm and pairwise `sub` – but with the job's id as `jti`, so that the site can
 * recognize a notice that arrives twice, and always with the `sid`.
 */
async function signLogoutToken(
  provider: Provider,
  client: Client,
  notice: LogoutNotice,
  jti: string,
): Promise<string> {
  const token = new provider.IdToken({ sub: notice.accountId }, { client });
  Object.assign(token, { mask: { sub: null } });
  token.set('events', { [LOGOUT_EVENT]: {} });
  token.set('jti', jti);
  if (notice.sid !== undefined) token.set('sid', notice.sid);
  return await token.issue({ use: 'logout' });
}

async function post(
  fetch: LogoutNoticeParts['fetch'],
  url: string,
  token: string,
  signal: AbortSignal,
): Promise<DeliveryOutcome> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ logout_token: token }).toString(),
      signal,
    });
    await response.body?.cancel();
    const httpStatus = response.status;
    return { result: response.ok ? 'delivered' : 'retry', httpStatus };
  } catch (error) {
    return { result: 'retry', errorCode: reasonOf(error) };
  }
}

/** The egress module's `reason`, else the system's code or the class; no addresses. */
function reasonOf(error: unknown): string {
  const { reason, code, name } = Object(error) as Record<string, unknown>;
  const named = [reason, code, name].find((value) => typeof value === 'string');
  return named?.slice(0, 64) ?? 'unknown';
}

async function enqueue(
  outbox: Outbox,
  client: Pick<Client, 'backchannelLogoutUri'>,
  notice: LogoutNotice,
  options: { id: string; transaction?: Knex.Transaction },
): Promise<void> {
  const groupKey = URL.parse(client.backchannelLogoutUri ?? '')?.host ?? notice.clientId;
  await outbox.enqueue(LOGOUT_NOTICE_KIND, notice, { ...options, groupKey });
}

/** Hashed, because the site sees it and the parts are not for its eyes. */
function noticeId(clientId: string, sid: string | undefined, ending: string): string {
  const parts = JSON.stringify([clientId, sid ?? null, ending]);
  return createHash('sha256').update(parts).digest('base64url');
}
