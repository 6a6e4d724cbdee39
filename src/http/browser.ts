/**
 * The browser's own identifier: a random cookie that form tokens are bound to, and by which a device
 * that its owner signed in on before is known again (a wrong guess elsewhere does not lock it out).
 * It says nothing about the person.
 */
import { randomBytes } from 'node:crypto';
import type { Context } from 'koa';

const COOKIE = '__Host-yrt-device';
const ONE_YEAR_MILLISECONDS = 365 * 24 * 60 * 60 * 1000;
const FORM = /^[A-Za-z0-9_-]{22}$/;

/** The identifier that the browser sent, undefined when it sent none or one we did not sign. */
export function readBrowser(ctx: Context): string | undefined {
  const value = ctx.cookies.get(COOKIE, { signed: true });
  return value !== undefined && FORM.test(value) ? value : undefined;
}

/** The identifier, made and sent now when the browser has none. */
export function browserOf(ctx: Context): string {
  const state = ctx.state as { browser?: string };
  state.browser ??= readBrowser(ctx) ?? create(ctx);
  return state.browser;
}

function create(ctx: Context): string {
  const value = randomBytes(16).toString('base64url');
  ctx.cookies.set(COOKIE, value, { signed: true, maxAge: ONE_YEAR_MILLISECONDS });
  return value;
}
