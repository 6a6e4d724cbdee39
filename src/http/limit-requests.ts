/** The window of requests per address on our pages (DESIGN §10); files and the protocol are not counted. */
import type { Middleware } from 'koa';
import { AppError } from '#lib/errors.ts';
import type { AddressLimits } from './address-limits.ts';
import { originOf } from './request-context.ts';

/** @throws AppError `request.rate_limited` (429) with Retry-After */
export function limitRequests(addresses: AddressLimits): Middleware {
  return async (ctx, next) => {
    const taken = await addresses.take('request', originOf(ctx).address);
    if (!taken.ok) {
      throw new AppError('request.rate_limited', { retryAfterSeconds: taken.retryAfterSeconds });
    }
    await next();
  };
}
