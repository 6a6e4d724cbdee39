/**
 * First middleware of every request: gives it an id, finds out where it came from, and writes its
 * one log line. Only the path's shape is logged, never a query, a body or a cookie.
 */
import { randomUUID } from 'node:crypto';
import ipaddr from 'ipaddr.js';
import type { Context, Middleware } from 'koa';
import type { Logger } from 'pino';
import type { RequestOrigin } from '#lib/request-origin.ts';

const MAX_USER_AGENT = 256;

type Cidr = ReturnType<typeof ipaddr.parseCIDR>;

/**
 * @param trustedProxies - CIDRs whose X-Forwarded-For counts; the right-most address that is not
 *   itself a trusted proxy is the client's (RFC 7239 §7.4)
 */
export function requestContext(trustedProxies: readonly string[], log: Logger): Middleware {
  const trusted = trustedProxies.map((cidr) => ipaddr.parseCIDR(cidr));
  return async (ctx, next) => {
    const startedAt = performance.now();
    const origin: RequestOrigin = {
      requestId: randomUUID(),
      address: clientAddress(ctx, trusted),
      userAgent: clean(ctx.get('user-agent')),
      channel: 'web',
    };
    ctx.state['origin'] = origin;
    try {
      await next();
    } finally {
      log.info(
        {
          requestId: origin.requestId,
          method: ctx.method,
          path: pathShape(ctx.path),
          status: ctx.status,
          milliseconds: Math.round(performance.now() - startedAt),
        },
        'request',
      );
    }
  };
}

/** The origin that requestContext recorded; undefined outside of a request. */
export function originOf(ctx: Pick<Context, 'state'>): RequestOrigin {
  return ctx.state['origin'] as RequestOrigin;
}

function clientAddress(ctx: Context, trusted: readonly Cidr[]): string {
  const peer = normalize(ctx.req.socket.remoteAddress ?? '');
  const forwarded = ctx
    .get('x-forwarded-for')
    .split(',')
    .map((part) => part.trim());
  let address = peer;
  while (isTrusted(address, trusted)) {
    const next = forwarded.pop();
    if (next === undefined || !ipaddr.isValid(next)) break;
    address = normalize(next);
  }
  return address;
}

/** Whether a peer is one of the proxies whose headers count. */
export function proxyTrust(trustedProxies: readonly string[]): (address: string) => boolean {
  const trusted = trustedProxies.map((cidr) => ipaddr.parseCIDR(cidr));
  return (address) => isTrusted(normalize(address), trusted);
}

/** IPv4-mapped IPv6 and IPv4 are one address. */
const normalize = (address: string) =>
  ipaddr.isValid(address) ? ipaddr.process(address).toString() : '';

function isTrusted(address: string, trusted: readonly Cidr[]): boolean {
  if (address === '') return false;
  const parsed = ipaddr.parse(address);
  return trusted.some(
    ([range, bits]) => parsed.kind() === range.kind() && parsed.match(range, bits),
  );
}

const clean = (userAgent: string) =>
  userAgent.replaceAll(/[^\x20-\x7e]/g, '').slice(0, MAX_USER_AGENT);

/** Handles in paths are secrets: anything long is cut out. */
const pathShape = (path: string) => path.replaceAll(/[A-Za-z0-9_-]{16,}/g, '…').slice(0, 128);
