/**
 * Everything oidc-provider answers: the present provider, with what must happen around it. What a
 * request set off is audited before its answer leaves.
 */
import type { Context, Middleware, Next } from 'koa';
import type { KoaContextWithOIDC } from 'oidc-provider';
import { AppError } from '#lib/errors.ts';
import { originOf } from '#http/request-context.ts';
import { rememberSite } from '#http/site-hint.ts';
import { allowSiteAsTarget } from '#oidc/form-targets.ts';
import { withWriteBarrier } from '#oidc/write-barrier.ts';
import type { PageParts } from './page-context.ts';

const MAX_REQUEST_BODY = 56 * 1024;
/** Longer URLs are refused by proxies and browsers on the way. */
const MAX_FORWARDED_QUERY = 8 * 1024;
/** Front-channel requests that a site's page may post as well as link to. */
const POSTED_BY_SITES: ReadonlySet<string> = new Set(['/auth', '/session/end']);

/** Endpoints of programs, whose errors are JSON (RFC 6749 §5.2) whatever their HTTP library accepts. */
const FOR_PROGRAMS = /^\/(?:token|request|me|jwks|\.well-known)(?:\/|$)/;

export function mountProvider(parts: PageParts): Middleware {
  return async (ctx, next) => {
    ctx.path = canonicalPath(ctx.path);
    // Java's own client prefers text/html unless it is told otherwise.
    if (FOR_PROGRAMS.test(ctx.path)) ctx.req.headers.accept = 'application/json';
    // HEAD would run the whole flow and leave an interaction behind: link checkers do that.
    if (ctx.method === 'HEAD' && /^\/auth(?:\/|$)/.test(ctx.path)) {
      throw new AppError('request.method_not_allowed');
    }
    if (ctx.method === 'POST' && POSTED_BY_SITES.has(ctx.path)) {
      await forwardAsGet(ctx);
      return;
    }
    if (ctx.path === '/session/end/confirm') parts.formTokens.checkOrigin(ctx);
    await runProvider(parts, ctx, next);
  };
}

/**
 * The library finds its routes in any case and with a slash at the end; what stands before it here
 * goes by the path. The id of `/auth/<id>` is the one part in which case counts.
 */
function canonicalPath(path: string): string {
  const trimmed = path.replace(/(?<=.)\/$/, '');
  const id = /^\/auth(\/[^/]+)$/i.exec(trimmed)?.[1];
  return id === undefined ? trimmed.toLowerCase() : `/auth${id}`;
}

async function runProvider(parts: PageParts, ctx: Context, next: Next): Promise<void> {
  const provider = parts.provider();
  const [handle] = provider.middleware;
  if (!handle) throw new Error('oidc-provider has no middleware');
  await withWriteBarrier(ctx, async () => {
    await handle(ctx, next);
  });
  const { oidc } = ctx as Partial<KoaContextWithOIDC>;
  if (oidc) await follow(parts, ctx, oidc);
  parts.readyAnswers.keep(provider, ctx);
}

/** What the answer is not sent before. */
async function follow(parts: PageParts, ctx: Context, oidc: KoaContextWithOIDC['oidc']) {
  const origin = originOf(ctx);
  if (oidc.client) rememberSiteOfPages(ctx, oidc.client.clientId);
  const { route, session, result } = oidc as typeof oidc & { route?: string };
  if (isSelfSubmitting(ctx)) allowSiteAfterForm(ctx, oidc, route);
  // An empty answer has no type; a widely used client stops at `text/plain` (RFC 7009 §2.2).
  if (route === 'revocation' && ctx.body === '') ctx.remove('Content-Type');
  if (route === 'resume' && result?.login && session?.accountId !== undefined) {
    const { sessionsPerAccount } = parts.settings;
    await parts.sessionEnding.endBeyond(session.accountId, sessionsPerAccount, origin);
  }
  // There is none when it could not be read, whatever the type says.
  const ended = session as { destroyed?: boolean } | undefined;
  if (route === 'end_session_confirm' && ended?.destroyed === true) {
    ctx.set('Clear-Site-Data', '"cache", "storage"');
  }
}

/** oidc-provider answered with a form that its script sends: it has added the script's hash. */
const isSelfSubmitting = (ctx: Context) =>
  ctx.response.get('Content-Security-Policy').includes("'sha256-");

/**
 * Where such a form ends: at the site with `form_post`, and after redirects from our own sign-out
 * when nobody was signed in or another person signs in.
 */
function allowSiteAfterForm(ctx: Context, oidc: KoaContextWithOIDC['oidc'], route?: string): void {
  const interaction = oidc.entities.Interaction?.params;
  // Before a sign-in is resumed the request has no parameters yet, though the type says so.
  const params = oidc.params ?? interaction ?? {};
  const uri = params[route === 'end_session' ? 'post_logout_redirect_uri' : 'redirect_uri'];
  if (typeof uri === 'string') allowSiteAsTarget(ctx, oidc.client, uri);
}

/** Error pages of an authorization request offer to start again where it came from. */
function rememberSiteOfPages(ctx: Context, clientId: string): void {
  if (ctx.path === '/auth') rememberSite(ctx, clientId);
}

/**
 * Authorization and sign-out requests may be posted (OpenID Connect Core §3.1.2.1, RP-Initiated
 * Logout 1.0 §2), from another site; then our SameSite cookies are missing. Answered with 303 to the
 * same request as GET, which has them.
 *
 * @throws AppError `request.invalid` or `request.too_large`
 */
async function forwardAsGet(ctx: Context): Promise<void> {
  if (ctx.is('application/x-www-form-urlencoded') === false) throw new AppError('request.invalid');
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of ctx.req as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_REQUEST_BODY) throw new AppError('request.too_large');
    chunks.push(chunk);
  }
  const query = new URLSearchParams(Buffer.concat(chunks).toString('utf8')).toString();
  const joined = [ctx.querystring, query].filter((part) => part !== '').join('&');
  if (joined.length > MAX_FORWARDED_QUERY) throw new AppError('request.too_large');
  ctx.status = 303;
  ctx.set('Location', `${ctx.path}?${joined}`);
  ctx.body = '';
}
