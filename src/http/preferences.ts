/**
 * How a person wants our pages: language and look (standard, or 长辈版 with large text and fewer
 * choices). Kept in two cookies of the browser, never in the account, so that they hold before
 * sign-in. render.ts asks here; routes/ mounts changePreferences at POST /preferences.
 */
import type { Context } from 'koa';
import {
  DEFAULT_LOCALE,
  LOCALES,
  acceptedLanguages,
  negotiateLocale,
  type Locale,
} from '#i18n/translate.ts';
import { AppError } from '#lib/errors.ts';

export const LOOKS = ['standard', 'elder'] as const;
export type Look = (typeof LOOKS)[number];
export interface Preferences {
  readonly locale: Locale;
  readonly look: Look;
}

export const LOCALE_COOKIE = '__Host-yrt-locale';
export const LOOK_COOKIE = '__Host-yrt-look';
const COOKIE_LIFETIME_MILLISECONDS = 365 * 24 * 60 * 60 * 1000;
/** Longer than any URL of ours, id_token_hint included. */
const MAX_RETURN_PATH_LENGTH = 8192;

type CookieReader = (name: string) => string | undefined;
interface PreferenceHeaders {
  readonly 'accept-language'?: string | undefined;
}

/**
 * Language: the person's own choice by our switch, else the site's `ui_locales` (OpenID Connect Core
 * §3.1.2.1, space-separated tags), else the browser's, else zh-CN. The switch comes first because on
 * a page that a site opened with `ui_locales` it would otherwise do nothing.
 */
export function readPreferences(
  cookie: CookieReader,
  headers: PreferenceHeaders,
  uiLocales = '',
): Preferences {
  const chosen = LOCALES.find((locale) => locale === cookie(LOCALE_COOKIE));
  const asked = negotiateLocale(uiLocales.slice(0, 256).split(' '));
  const accepted = negotiateLocale(acceptedLanguages(headers['accept-language']));
  return {
    locale: chosen ?? asked ?? accepted ?? DEFAULT_LOCALE,
    look: LOOKS.find((look) => look === cookie(LOOK_COOKIE)) ?? 'standard',
  };
}

const uiLocalesOf = new WeakMap<Context['req'], string>();

/** Tells the pages of this request what `ui_locales` the site sent; call it before rendering. */
export function preferUiLocales(ctx: Context, uiLocales: unknown): void {
  if (typeof uiLocales === 'string') uiLocalesOf.set(ctx.req, uiLocales);
}

/** The preferences that this request is answered with. */
export function preferencesOf(ctx: Context): Preferences {
  return readPreferences(
    (name) => ctx.cookies.get(name, { signed: false }),
    { 'accept-language': ctx.get('Accept-Language') },
    uiLocalesOf.get(ctx.req),
  );
}

/**
 * A path on this server that a redirect may lead to, or undefined. An absolute path only: `//host`,
 * a backslash (which browsers read as a slash) or a control character could lead elsewhere.
 */
export function safeReturnPath(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > MAX_RETURN_PATH_LENGTH) return undefined;
  return /^\/(?!\/)[\x21-\x5b\x5d-\x7e]*$/.test(value) ? value : undefined;
}

/**
 * POST /preferences — fields `locale` or `look`, and `return_to`. Answered 303 to `return_to`.
 * Mount it behind a form parser and the CSRF check.
 *
 * @throws AppError `request.invalid` when a field is missing or unknown
 */
export function changePreferences(ctx: Context): void {
  const form = (ctx.request as { body?: Record<string, unknown> }).body ?? {};
  const locale = LOCALES.find((known) => known === form['locale']);
  const look = LOOKS.find((known) => known === form['look']);
  const returnPath = safeReturnPath(form['return_to']);
  if (returnPath === undefined || (locale ?? look) === undefined) {
    throw new AppError('request.invalid');
  }
  if (locale !== undefined) remember(ctx, LOCALE_COOKIE, locale);
  if (look !== undefined) remember(ctx, LOOK_COOKIE, look);
  ctx.status = 303;
  ctx.redirect(returnPath);
}

function remember(ctx: Context, name: string, value: string): void {
  // `__Host-` demands Secure; TLS may end at a proxy in front of us, and browsers accept it on
  // http://localhost. Without this line the cookie library refuses on such connections.
  ctx.cookies.secure = true;
  ctx.cookies.set(name, value, {
    ...{ secure: true, httpOnly: true, sameSite: 'lax', path: '/', signed: false },
    maxAge: COOKIE_LIFETIME_MILLISECONDS,
    overwrite: true,
  });
}
