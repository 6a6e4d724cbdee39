/** 个人中心: who I am (masked), my level, where I am signed in, and signing out there. */
import { createHash, randomBytes } from 'node:crypto';
import Router, { type RouterContext } from '@koa/router';
import type { Session } from 'oidc-provider';
import { ACCOUNT_CENTRE_CALLBACK, ACCOUNT_CENTRE_ID } from '#clients/account-centre.ts';
import { describeDevice } from '#http/device-name.ts';
import { formFields, seeOther } from '#http/forms.ts';
import { COOKIE_NAMES } from '#http/host-cookies.ts';
import type { AccountSession } from '#http/pages.ts';
import { originOf } from '#http/request-context.ts';
import { maskEmail, maskName, maskPhone, maskResidentId } from '#lib/mask.ts';
import { readPerson, type Person } from '#oidc/claims.ts';
import { brandOf } from '#oidc/pages.ts';
import type { PageParts } from './page-context.ts';

/** Who is signed in here. */
interface Visitor {
  readonly session: Session;
  readonly person: Person;
}

type Notice = 'session_ended' | 'all_ended';
const NOTICES: readonly (string | undefined)[] = ['session_ended', 'all_ended'];

export function accountRoutes(parts: PageParts): Router {
  const router = new Router({ prefix: '/account' });
  const withVisitor =
    (handle: (ctx: RouterContext, visitor: Visitor) => Promise<void>) =>
    async (ctx: RouterContext): Promise<void> => {
      const visitor = await visitorOf(parts, ctx);
      if (visitor) await handle(ctx, visitor);
      else seeOther(ctx, signInUrl(parts.settings.issuer));
    };
  const withForm = (handle: (ctx: RouterContext, visitor: Visitor) => Promise<void>) =>
    withVisitor(async (ctx, visitor) => {
      parts.formTokens.check(ctx, accountScope(visitor.session), formFields(ctx)['csrf']);
      await handle(ctx, visitor);
    });

  router.get(
    '/',
    withVisitor((ctx, visitor) => showOverview(parts, ctx, visitor)),
  );
  // The sign-in ended here; whether it succeeded, the session tells.
  router.get('/signed-in', (ctx) =>
    seeOther(ctx, ctx.query['error'] === undefined ? '/account' : '/signed-out'),
  );
  router.post(
    '/sessions/end-others',
    withForm((ctx, visitor) => endOthers(parts, ctx, visitor)),
  );
  router.post(
    '/sessions/:uid/end',
    withForm((ctx, visitor) => endOne(parts, ctx, visitor)),
  );
  router.post(
    '/sign-out',
    withForm((ctx, visitor) => signOut(parts, ctx, visitor)),
  );
  return router;
}

const accountScope = (session: Session) => `session:${session.uid}`;

async function visitorOf(parts: PageParts, ctx: RouterContext): Promise<Visitor | undefined> {
  const session = await parts.provider().Session.get(ctx);
  const account =
    session.accountId === undefined ? undefined : await parts.accounts.find(session.accountId);
  if (account?.status !== 'active') return undefined;
  return { session, person: await readPerson(parts, account) };
}

/** Into the same sign-in as every site's, with us as the site. */
function signInUrl(issuer: string): string {
  const verifier = randomBytes(32).toString('base64url');
  const query = new URLSearchParams({
    client_id: ACCOUNT_CENTRE_ID,
    response_type: 'code',
    scope: 'openid',
    redirect_uri: `${issuer}${ACCOUNT_CENTRE_CALLBACK}`,
    // The code is never redeemed: the session itself is what these pages read.
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  });
  return `/auth?${query.toString()}`;
}

async function showOverview(parts: PageParts, ctx: RouterContext, { session, person }: Visitor) {
  const { account, contact, document } = person;
  const notice = ctx.query['notice'];
  ctx.set('Cross-Origin-Opener-Policy', 'same-origin');
  parts.renderPage(ctx, 200, 'account/overview', {
    csrf: parts.formTokens.issue(ctx, accountScope(session)),
    nameMasked: document ? maskName(document.name) : '',
    idType: document?.type,
    idNumberMasked: document && maskResidentId(document.number),
    phoneMasked: contact?.phone === undefined ? undefined : maskPhone(contact.phone),
    emailMasked: contact?.email === undefined ? undefined : maskEmail(contact.email),
    username: contact?.username,
    realNameLevel: account.realNameLevel,
    sessions: await sessionsOf(parts, ctx, session),
    ...(typeof notice === 'string' && NOTICES.includes(notice) && { notice: notice as Notice }),
  });
}

async function sessionsOf(
  parts: PageParts,
  ctx: RouterContext,
  current: Session,
): Promise<AccountSession[]> {
  const sessions = await parts.sessions.listOf(current.accountId ?? '');
  return await Promise.all(
    sessions.map(async (session) => ({
      uid: session.uid,
      current: session.uid === current.uid,
      signedInAt: session.signedInAt,
      lastUsedAt: session.lastUsedAt,
      address: session.origin.address,
      device: describeDevice(session.origin.userAgent),
      channel: session.origin.channel,
      sites: await siteNames(parts, ctx, session.clientIds),
    })),
  );
}

async function siteNames(
  parts: PageParts,
  ctx: RouterContext,
  clientIds: readonly string[],
): Promise<string[]> {
  const { Client } = parts.provider();
  const others = clientIds.filter((id) => id !== ACCOUNT_CENTRE_ID);
  const clients = await Promise.all(others.map((id) => Client.find(id)));
  return clients.flatMap((client) => (client ? [brandOf(client, ctx).name] : []));
}

/** Only a session of one's own; any other is answered like one that ended already. */
async function endOne(parts: PageParts, ctx: RouterContext, { session }: Visitor): Promise<void> {
  const own = await parts.sessions.listOf(session.accountId ?? '');
  const uid = own.find((candidate) => candidate.uid === ctx.params['uid'])?.uid;
  if (uid === session.uid) {
    await endCurrent(parts, ctx, session);
    return;
  }
  if (uid !== undefined) await parts.sessionEnding.end(uid, 'ended_elsewhere', originOf(ctx));
  seeOther(ctx, '/account?notice=session_ended');
}

async function endOthers(parts: PageParts, ctx: RouterContext, { session }: Visitor) {
  const accountId = session.accountId ?? '';
  await parts.sessionEnding.endAllOf(accountId, 'ended_elsewhere', originOf(ctx), session.uid);
  seeOther(ctx, '/account?notice=all_ended');
}

async function signOut(parts: PageParts, ctx: RouterContext, { session }: Visitor): Promise<void> {
  await endCurrent(parts, ctx, session);
}

async function endCurrent(parts: PageParts, ctx: RouterContext, session: Session): Promise<void> {
  await parts.sessionEnding.end(session.uid, 'signed_out', originOf(ctx));
  ctx.cookies.set(COOKIE_NAMES.session, null, { signed: true });
  ctx.set('Clear-Site-Data', '"cache", "storage"');
  seeOther(ctx, '/signed-out');
}
