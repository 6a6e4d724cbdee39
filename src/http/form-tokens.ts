/**
 * Protection of every form (OWASP cross-site request forgery): a token bound to this browser and to
 * what the form acts on, and a check that the request comes from our own pages.
 */
import { createHmac, timingSafeEqual, type KeyObject } from 'node:crypto';
import type { Context } from 'koa';
import type { PurposeKeys } from '#crypto/key-ring.ts';
import { AppError } from '#lib/errors.ts';
import { browserOf, readBrowser } from './browser.ts';

export class FormTokens {
  readonly #keys: PurposeKeys;
  readonly #origin: string;

  constructor(keys: PurposeKeys, issuer: string) {
    this.#keys = keys;
    this.#origin = new URL(issuer).origin;
  }

  /**
   * The token for a form.
   *
   * @param scope - what the form acts on, e.g. `interaction:<uid>` or `session:<uid>`; a token of one
   *   scope is refused in another
   */
  issue(ctx: Context, scope: string): string {
    return token(this.#keys.current().secret, browserOf(ctx), scope);
  }

  /** @throws AppError `request.csrf` (403) when the token or the origin is not ours */
  check(ctx: Context, scope: string, given: unknown): void {
    this.checkOrigin(ctx);
    const browser = readBrowser(ctx);
    const isOurs =
      typeof given === 'string' &&
      browser !== undefined &&
      this.#keys.all().some(({ secret }) => isEqual(token(secret, browser, scope), given));
    if (!isOurs) throw new AppError('request.csrf');
  }

  /** Fetch Metadata where the browser sends it, and Origin: both must say "our own page". */
  checkOrigin(ctx: Context): void {
    const site = ctx.get('sec-fetch-site');
    const origin = ctx.get('origin');
    const isForeignSite = site !== '' && site !== 'same-origin' && site !== 'none';
    const isForeignOrigin = origin !== '' && origin !== this.#origin;
    if (isForeignSite || isForeignOrigin) throw new AppError('request.csrf');
  }
}

const token = (secret: KeyObject, browser: string, scope: string) =>
  createHmac('sha256', secret)
    .update(JSON.stringify([browser, scope]))
    .digest('base64url');

function isEqual(expected: string, given: string): boolean {
  const a = Buffer.from(expected);
  const b = Buffer.from(given);
  return a.length === b.length && timingSafeEqual(a, b);
}
