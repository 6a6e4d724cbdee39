/**
 * First middleware of every request: gives it an id, finds out where it came from, and writes its
 * one log line. Only the path's shape is logged, never a query, a body or a cookie.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { BlockList, isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { Context, Middleware } from 'koa';
import type { Logger } from 'pino';
import type { RequestOrigin } from '#lib/request-origin.ts';

const MAX_USER_AGENT = 256;

/**
 * @param trustedProxies - CIDRs whose X-Forwarded-For counts; the right-most address that is not
 *   itself a trusted proxy is the client's (RFC 7239 §7.4)
 */
export function requestContext(trustedProxies: readonly string[], log: Logger): Middleware {
  const trusted = blockListOf(trustedProxies);
  return async (ctx, next) => {
    const startedAt = performance.now();
    const origin: RequestOrigin = {
      requestId: randomUUID(),
      address: clientAddress(ctx.req, trusted),
      userAgent: clean(ctx.req.headers['user-agent'] ?? ''),
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

function blockListOf(cidrs: readonly string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [range, bits] = ipaddr.parseCIDR(cidr);
    list.addSubnet(range.toString(), bits, range.kind());
  }
  return list;
}

function clientAddress({ socket, headers }: IncomingMessage, trusted: BlockList): string {
  let address = normalize(socket.remoteAddress ?? '');
  const forwarded = [headers['x-forwarded-for'] ?? []].flat().join(',').split(',');
  while (isTrusted(address, trusted)) {
    const next = forwarded.pop()?.trim() ?? '';
    if (!isIPv4(next) && !isIPv6(next)) break;
    address = normalize(next);
  }
  return address;
}

/** Whether a peer is one of the proxies whose headers count. */
export function proxyTrust(trustedProxies: readonly string[]): (address: string) => boolean {
  const trusted = blockListOf(trustedProxies);
  return (address) => isTrusted(normalize(address), trusted);
}

/** IPv4-mapped IPv6 and IPv4 are one address. */
function normalize(address: string): string {
  if (isIPv4(address)) return address;
  return ipaddr.isValid(address) ? ipaddr.process(address).toString() : '';
}

const isTrusted = (address: string, trusted: BlockList): boolean =>
  address !== '' && trusted.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');

const UNPRINTABLE = /[^\x20-\x7e]/g;
const clean = (userAgent: string) => userAgent.slice(0, MAX_USER_AGENT).replaceAll(UNPRINTABLE, '');

const HANDLE = /[A-Za-z0-9_-]{16,}/g;
/** Handles in paths are secrets: anything long is cut out. */
const pathShape = (path: string) => path.replaceAll(HANDLE, '…').slice(0, 128);
