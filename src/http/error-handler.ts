/**
 * The one place that answers with errors: a page in the person's language for browsers, JSON for
 * programs, both with the reference id that the log line carries. Never a stack, a query or a value.
 */
import { errors } from 'oidc-provider';
import type { Context, Middleware } from 'koa';
import type { Logger } from 'pino';
import { AppError, ERRORS, type ErrorCode } from '#lib/errors.ts';
import { isOutage } from '#store/outage.ts';
import { pageErrorOf, type PageErrorCode } from './pages.ts';
import type { RenderPage } from './render.ts';
import { originOf } from './request-context.ts';
import { rememberedSite, type FindSite } from './site-hint.ts';

export interface ErrorHandlerParts {
  readonly renderPage: RenderPage;
  readonly findSite: FindSite;
  readonly log: Logger;
}

interface Answer {
  readonly status: number;
  readonly code: PageErrorCode;
  readonly retryAfterSeconds?: number | undefined;
}

export function handleErrors(parts: ErrorHandlerParts): Middleware {
  return async (ctx, next) => {
    try {
      await next();
      if (ctx.status === 404 && ctx.body == null) throw new AppError('request.not_found');
    } catch (error) {
      await answer(parts, ctx, error);
    }
  };
}

async function answer(parts: ErrorHandlerParts, ctx: Context, error: unknown): Promise<void> {
  const { status, code, retryAfterSeconds } = answerOf(error);
  const { requestId } = originOf(ctx);
  parts.log[logLevel(error)]({ requestId, code, ...(status >= 500 && { err: error }) }, 'refused');
  // What failed after a redirect was prepared must not tell where to, nor the code in it.
  ctx.remove('Location');
  if (retryAfterSeconds !== undefined) ctx.set('Retry-After', String(retryAfterSeconds));
  if (ctx.accepts('json', 'html') !== 'html') {
    ctx.status = status;
    ctx.body = { error: code, reference: requestId };
    return;
  }
  // Looking the site up needs the database, which may be what failed.
  const site = await rememberedSite(ctx, parts.findSite).catch(() => undefined);
  parts.renderPage(ctx, status, 'error', { code, requestId, retryAfterSeconds, ...site });
}

function answerOf(error: unknown): Answer {
  if (error instanceof AppError) {
    const retry = error.values['retryAfterSeconds'];
    return {
      status: error.status,
      code: error.code,
      retryAfterSeconds: typeof retry === 'number' ? retry : undefined,
    };
  }
  if (error instanceof errors.SessionNotFound) return of('interaction.expired');
  if (error instanceof errors.OIDCProviderError) {
    return { status: error.statusCode, code: pageErrorOf(error.error) };
  }
  if (isOutage(error)) return { ...of('server.unavailable'), retryAfterSeconds: 5 };
  return of('server.error');
}

const of = (code: ErrorCode): Answer => ({ status: ERRORS[code].status, code });

function logLevel(error: unknown): 'info' | 'warn' | 'error' {
  if (error instanceof AppError) return ERRORS[error.code].level;
  return error instanceof errors.OIDCProviderError && error.statusCode < 500 ? 'info' : 'error';
}
