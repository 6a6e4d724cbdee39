/** What the audit log learns from the save of a session: that it began, and which sites it entered. */
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { NamedEvent } from '#audit/events.ts';
import type { SaveSession } from '#store/session-store.ts';

export function sessionEvents(
  { session, found, handle }: SaveSession,
  ctx: KoaContextWithOIDC | undefined,
): readonly NamedEvent[] {
  const { accountId, uid: sessionUid, sites } = session;
  if (accountId === undefined) return [];
  const entered = Object.keys(sites).filter((clientId) => found?.sites[clientId] === undefined);
  // Every sign-in gives the session another cookie value, so a second save is told from the first.
  const isSignIn = isResumed(ctx) && ctx.oidc.result?.login !== undefined;
  if (isSignIn && handle !== found?.handle) {
    const details = { accountId, sessionUid, clientId: entered[0] };
    return [{ name: 'session_created', details }];
  }
  return entered.map((clientId) => ({
    name: 'session_site_entered',
    details: { accountId, sessionUid, clientId },
  }));
}

const isResumed = (ctx: KoaContextWithOIDC | undefined): ctx is KoaContextWithOIDC =>
  (ctx?.oidc as { route?: string } | undefined)?.route === 'resume';
