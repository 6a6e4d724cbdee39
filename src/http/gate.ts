/**
 * Stands before the application: refuses what is too much, cuts what takes too long, and measures
 * every answer. It costs microseconds and needs nothing that could be broken. Made by server.ts.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Settings } from '#config/settings.ts';
import type { Tracing } from '#lib/tracing.ts';
import { shedReason, type Load, type ShedReason } from './admission.ts';
import type { RequestHandler } from './listener.ts';
import { methodLabel, requestKind } from './traffic.ts';

export interface Answered {
  readonly route: string;
  readonly method: string;
  readonly status: number;
  readonly seconds: number;
}

export interface GateParts {
  readonly handle: RequestHandler;
  readonly limits: Settings['overload'];
  readonly load: () => Load;
  readonly onAnswered: (answered: Answered) => void;
  readonly onShed: (reason: ShedReason | 'timeout') => void;
  readonly tracing?: Tracing | undefined;
}

export function createGate(parts: GateParts): RequestHandler {
  const { limits, load, onAnswered, onShed } = parts;
  const handle = parts.tracing ? traced(parts.handle, parts.tracing) : parts.handle;
  return (request, response) => {
    const { route, urgency } = requestKind(request.url ?? '');
    const method = methodLabel(request.method);
    const startedAt = performance.now();
    response.once('close', () => {
      // Nothing was answered when the client left first.
      const status = response.headersSent ? response.statusCode : 499;
      onAnswered({ route, method, status, seconds: (performance.now() - startedAt) / 1000 });
    });
    const reason = shedReason(limits, urgency, load());
    if (reason) {
      onShed(reason);
      refuse(request, response);
      return;
    }
    const timer = setTimeout(() => {
      onShed('timeout');
      if (response.headersSent) response.destroy();
      else refuse(request, response);
    }, limits.requestMilliseconds);
    response.once('close', () => clearTimeout(timer));
    handle(request, response);
  };
}

function traced(handle: RequestHandler, tracing: Tracing): RequestHandler {
  return (request, response) => {
    const { traceparent } = request.headers;
    const end = tracing.request(
      {
        method: methodLabel(request.method),
        route: requestKind(request.url ?? '').route,
        peer: request.socket.remoteAddress ?? '',
        traceparent: typeof traceparent === 'string' ? traceparent : undefined,
      },
      () => handle(request, response),
    );
    response.once('close', () => end(response.statusCode));
  };
}

const RETRY_AFTER_SECONDS = 2;
const JSON_BODY = JSON.stringify({ error: 'server.busy' });
/** Nothing is rendered or looked up for it, so it is in both languages and without a style. */
const PAGE_BODY = `<!doctype html>
<html lang="zh-CN">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>系统繁忙 Busy</title>
<h1>系统繁忙</h1>
<p role="alert">现在使用的人太多，请稍等几秒再试。
<p role="alert" lang="en">Too many people are using this service right now. Please try again in a few seconds.
</html>
`;

function refuse(request: IncomingMessage, response: ServerResponse): void {
  const isPage = request.headers.accept?.includes('text/html') ?? false;
  // A body that nobody reads would block the connection's next request.
  if (request.method !== 'GET' && request.method !== 'HEAD') response.shouldKeepAlive = false;
  response.writeHead(503, {
    'Retry-After': String(RETRY_AFTER_SECONDS),
    'Cache-Control': 'no-store',
    'Content-Type': isPage ? 'text/html; charset=utf-8' : 'application/json; charset=utf-8',
    'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(isPage ? PAGE_BODY : JSON_BODY);
}
