/**
 * Headers of every answer (DESIGN §9.9): nothing from third parties, no framing, no sniffing, no
 * storing. Static files set their own caching afterwards.
 */
import { randomBytes } from 'node:crypto';
import helmet from 'koa-helmet';
import type { Context, Middleware } from 'koa';

const OWN_FORMS = "form-action 'self'";

/** @param issuer - HSTS is sent only where the issuer is https */
export function securityHeaders(issuer: string): Middleware {
  const isHttps = issuer.startsWith('https:');
  const common = helmet({
    contentSecurityPolicy: false,
    // A site may open us in a pop-up and wait for its own page to come back through the opener.
    crossOriginOpenerPolicy: false,
    crossOriginResourcePolicy: { policy: 'same-origin' },
    referrerPolicy: { policy: 'same-origin' },
    strictTransportSecurity: isHttps ? { maxAge: 31_536_000, includeSubDomains: false } : false,
    xFrameOptions: { action: 'deny' },
  });
  return async (ctx, next) => {
    const nonce = randomBytes(16).toString('base64url');
    ctx.state['cspNonce'] = nonce;
    ctx.set('Content-Security-Policy', policy(nonce));
    ctx.set('Permissions-Policy', 'camera=(), geolocation=(), microphone=(), payment=()');
    ctx.set('Cache-Control', 'no-store');
    await common(ctx, next);
  };
}

/** A source that would end the directive or start another one is left out. */
const SOURCE = /^[\w.:/*+-]+$/;

/**
 * Lets this page's forms end elsewhere as well, at origins or schemes. The header is changed, not
 * made anew: oidc-provider adds the hash of its own script to it. See oidc/form-targets.ts.
 */
export function allowFormTargets(ctx: Context, sources: readonly string[]): void {
  const allowed = [OWN_FORMS, ...sources.filter((source) => SOURCE.test(source))].join(' ');
  const csp = ctx.response.get('Content-Security-Policy');
  ctx.set('Content-Security-Policy', csp.replace(OWN_FORMS, allowed));
}

const policy = (nonce: string) =>
  [
    "default-src 'none'",
    "style-src 'self'",
    `script-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    OWN_FORMS,
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ');
