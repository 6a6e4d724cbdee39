/**
 * The documents that are the same for everybody, discovery and the signing keys: kept as they left the
 * first time, and sent from then on without the application, at a fraction of its cost. server.ts asks
 * here before it hands a request on; routes/provider.ts gives the answers to keep. They leave no line
 * in the log: a line would cost as much as the answer, and says of nobody anything.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Context } from 'koa';

const DOCUMENTS: ReadonlySet<string> = new Set([
  '/jwks',
  '/.well-known/openid-configuration',
  '/.well-known/oauth-authorization-server',
]);
/** Signing keys are published a day ahead of their use: five minutes of caching miss nothing. */
const CACHING = 'public, max-age=300';

interface Ready {
  readonly etag: string;
  /** Name, value, name, value, … as writeHead wants them. */
  readonly headers: string[];
  /** The same without what describes the content. */
  readonly headersOf304: string[];
  /** Its bytes, a character each: Node sends headers and a Latin-1 text in one piece. */
  readonly body: string;
}

export interface ReadyAnswersParts {
  readonly issuer: string;
  /** Whose documents hold now: another one after the signing keys changed. */
  readonly owner: () => object;
}

export class ReadyAnswers {
  readonly #parts: ReadyAnswersParts;
  readonly #host: string;
  readonly #kept = new WeakMap<object, Map<string, Ready>>();

  constructor(parts: ReadyAnswersParts) {
    this.#parts = parts;
    this.#host = new URL(parts.issuer).host;
  }

  /**
   * Takes a document as it is about to leave; anything else is left alone. Gives it its caching, and
   * answers a browser or proxy that has it with 304.
   *
   * @param owner - who made the document
   */
  keep(owner: object, ctx: Context): void {
    if (!DOCUMENTS.has(ctx.path) || ctx.status !== 200) return;
    const bytes = Buffer.from(JSON.stringify(ctx.body));
    const digest = createHash('sha256').update(bytes).digest('base64url');
    const etag = `"${digest.slice(0, 16)}"`;
    ctx.set({ 'Cache-Control': CACHING, ETag: etag });
    ctx.body = bytes;
    if (ctx.get('Origin') === '')
      this.#remember(owner, ctx, { etag, body: bytes.toString('latin1') });
    if (ctx.fresh) ctx.status = 304;
  }

  #remember(owner: object, ctx: Context, { etag, body }: Pick<Ready, 'etag' | 'body'>): void {
    const kept = this.#kept.get(owner) ?? new Map<string, Ready>();
    this.#kept.set(owner, kept);
    const headers = Object.entries(ctx.response.headers).map(([name, value]) => [
      name,
      String(value),
    ]);
    const ofContent = /^content-(?:type|length)$/;
    kept.set(ctx.path, {
      ...{ etag, body },
      headers: headers.flat(),
      headersOf304: headers.filter(([name = '']) => !ofContent.test(name)).flat(),
    });
  }

  /** Answers a plain request for a kept document. @returns false when the application has to */
  answer(request: IncomingMessage, response: ServerResponse): boolean {
    const { method = '', url = '' } = request;
    const ready = this.#kept.get(this.#parts.owner())?.get(url);
    if (!ready || (method !== 'GET' && method !== 'HEAD') || !this.#isPlain(request, ready)) {
      return false;
    }
    const status = request.headers['if-none-match'] === undefined ? 200 : 304;
    response.writeHead(status, status === 200 ? ready.headers : ready.headersOf304);
    response.end(status === 200 && method === 'GET' ? ready.body : '', 'latin1');
    return true;
  }

  /** To our one Host, not from another site's script, and without conditions but the usual one. */
  #isPlain({ headers, rawHeaders }: IncomingMessage, { etag }: Ready): boolean {
    const { host, origin, 'if-none-match': known } = headers;
    if (host !== this.#host || origin !== undefined) return false;
    return (known === undefined || known === etag) && isSentOnce('host', rawHeaders);
  }
}

/** Of several headers of one name Node shows the first (http/host-pin.ts refuses them). */
function isSentOnce(name: string, rawHeaders: readonly string[]): boolean {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const given = rawHeaders[index] ?? '';
    if (given.length === name.length && given.toLowerCase() === name) count += 1;
  }
  return count === 1;
}
