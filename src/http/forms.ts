/** Reads submitted forms: small, once-only fields, checked before a handler sees them. */
import { bodyParser } from '@koa/bodyparser';
import type { Context, Middleware } from 'koa';
import type { z } from 'zod';
import { AppError } from '#lib/errors.ts';

const MAX_FORM = '16kb';

/** Parses `application/x-www-form-urlencoded` bodies of our own routes, never of the provider's. */
export function parseForms(): Middleware {
  return bodyParser({
    enableTypes: ['form'],
    formLimit: MAX_FORM,
    onError(error) {
      const { status } = error as { status?: number };
      throw new AppError(status === 413 ? 'request.too_large' : 'request.invalid');
    },
  });
}

/** The fields as sent; a field that was sent twice is an array and fails its schema. */
export const formFields = (ctx: Context): Readonly<Record<string, unknown>> =>
  (ctx.request.body ?? {}) as Record<string, unknown>;

/** @throws AppError `request.invalid` (400) when a field is missing, repeated or malformed */
export function parseForm<Form>(ctx: Context, schema: z.ZodType<Form>): Form {
  const parsed = schema.safeParse(formFields(ctx));
  if (!parsed.success) throw new AppError('request.invalid');
  return parsed.data;
}

/** 303 after a POST, so that a reload does not submit twice (RFC 9110 §15.4.4). */
export function seeOther(ctx: Context, location: string): void {
  ctx.status = 303;
  ctx.set('Location', location);
  ctx.body = '';
}
