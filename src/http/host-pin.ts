/**
 * One issuer: a request for any other Host is refused before anything builds a link from it
 * (DESIGN §9.1). The scheme is the issuer's too, whatever a proxy says.
 */
import type Koa from 'koa';
import { AppError } from '#lib/errors.ts';

export function pinHost(issuer: string): Koa.Middleware {
  const { host } = new URL(issuer);
  return async (ctx, next) => {
    // Node keeps the first of several; whoever stands before us may have read another (RFC 9112 §3.2).
    const [name, ...others] = ctx.req.headersDistinct['host'] ?? [];
    if (others.length > 0) throw new AppError('request.invalid');
    if (name?.toLowerCase() !== host) throw new AppError('request.wrong_host');
    // An absolute-form target would override the Host for whoever parses the URL.
    if (!ctx.req.url?.startsWith('/') || ctx.req.url.startsWith('//')) {
      throw new AppError('request.invalid');
    }
    await next();
  };
}

/** Makes an application (ours and oidc-provider's) take scheme and host from the issuer alone. */
export function useIssuerOrigin(app: Koa, issuer: string): void {
  const { protocol, host } = new URL(issuer);
  Object.defineProperties(app.request, {
    protocol: { configurable: true, get: () => protocol.slice(0, -1) },
    secure: { configurable: true, get: () => protocol === 'https:' },
    host: { configurable: true, get: () => host },
  });
}
