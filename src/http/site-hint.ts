/**
 * Which site this browser was last on its way to. An expired sign-in has lost its request; with this
 * the page can still offer to start again where the person came from.
 */
import type { Context } from 'koa';

const COOKIE = '__Host-yrt-site';
const ONE_DAY_MILLISECONDS = 24 * 60 * 60 * 1000;

/** What an error page offers beside its words. */
export interface SiteHint {
  readonly siteName: string;
  readonly startAgainHref: string | undefined;
  /** Its front page. */
  readonly homeHref: string | undefined;
}

/** Finds a site by the client_id in the cookie, named in the language of the page. */
export type FindSite = (clientId: string, ctx: Context) => Promise<SiteHint | undefined>;

export function rememberSite(ctx: Context, clientId: string): void {
  const value = Buffer.from(clientId, 'utf8').toString('base64url');
  ctx.cookies.set(COOKIE, value, { signed: true, maxAge: ONE_DAY_MILLISECONDS });
}

/** The site last gone to, undefined when there is none or it is not registered any more. */
export async function rememberedSite(ctx: Context, find: FindSite): Promise<SiteHint | undefined> {
  const value = ctx.cookies.get(COOKIE, { signed: true });
  return value === undefined
    ? undefined
    : await find(Buffer.from(value, 'base64url').toString('utf8'), ctx);
}
