/**
 * Headers of every answer (DESIGN §9.9): nothing from third parties, no framing, no sniffing, no
 * storing. Static files and public documents set their own caching afterwards. The values do not
 * change, so they are written down once: asking a library for them took a tenth of a token request.
 */
import { randomBytes } from 'node:crypto';
import type { Context, Middleware } from 'koa';

const OWN_FORMS = "form-action 'self'";
const OWN_SCRIPTS = "script-src 'self'";
const CSP = 'Content-Security-Policy';

const POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  OWN_SCRIPTS,
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  OWN_FORMS,
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ');

const HEADERS = [
  [CSP, POLICY],
  ['Permissions-Policy', 'camera=(), geolocation=(), microphone=(), payment=()'],
  ['Cache-Control', 'no-store'],
  ['Cross-Origin-Resource-Policy', 'same-origin'],
  // No Cross-Origin-Opener-Policy: a site may open us in a pop-up and wait for its own page to come
  // back through the opener.
  ['Origin-Agent-Cluster', '?1'],
  ['Referrer-Policy', 'same-origin'],
  ['X-Content-Type-Options', 'nosniff'],
  ['X-DNS-Prefetch-Control', 'off'],
  ['X-Download-Options', 'noopen'],
  ['X-Frame-Options', 'DENY'],
  ['X-Permitted-Cross-Domain-Policies', 'none'],
  // The filter that this turns off has itself been the hole, in browsers that still have it.
  ['X-XSS-Protection', '0'],
] as const;
const STRICT_TRANSPORT_SECURITY = ['Strict-Transport-Security', 'max-age=31536000'] as const;

/** @param issuer - HSTS is sent only where the issuer is https */
export function securityHeaders(issuer: string): Middleware {
  const headers = issuer.startsWith('https:') ? [...HEADERS, STRICT_TRANSPORT_SECURITY] : HEADERS;
  return async (ctx, next) => {
    for (const [name, value] of headers) ctx.res.setHeader(name, value);
    await next();
    if (String(ctx.res.getHeader('Content-Type')).startsWith('text/html')) addNonce(ctx);
  };
}

/** A page may run a script that carries this answer's nonce, besides our own files. */
function addNonce(ctx: Context): void {
  const nonce = randomBytes(16).toString('base64url');
  const csp = ctx.response.get(CSP);
  ctx.set(CSP, csp.replace(OWN_SCRIPTS, `${OWN_SCRIPTS} 'nonce-${nonce}'`));
}

/** A source that would end the directive or start another one is left out. */
const SOURCE = /^[\w.:/*+-]+$/;

/**
 * Lets this page's forms end elsewhere as well, at origins or schemes. The header is changed, not
 * made anew: oidc-provider adds the hash of its own script to it. See oidc/form-targets.ts.
 */
export function allowFormTargets(ctx: Context, sources: readonly string[]): void {
  const allowed = [OWN_FORMS, ...sources.filter((source) => SOURCE.test(source))].join(' ');
  const csp = ctx.response.get(CSP);
  ctx.set(CSP, csp.replace(OWN_FORMS, allowed));
}
