/**
 * HTTP/1.1 by hand, for what `fetch` would correct on the way: absolute-form targets, several Host
 * headers, bytes that are no UTF-8, and requests that are held back just before their last byte.
 */
import { connect, type Socket } from 'node:net';

export interface RawRequest {
  readonly method?: string;
  /** Request target exactly as sent. */
  readonly target: string;
  /** In this order, repeated names allowed; Host, Connection and Content-Length are added. */
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: string | Buffer;
  /** Host header; `undefined` sends none. */
  readonly host: string | undefined;
}

export interface RawAnswer {
  readonly status: number;
  /** Lower-case names; each value in the order received. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: string;
  /** The whole answer as received, a character per byte. */
  readonly raw: string;
}

const END = '\r\n';

/** The bytes of a request after which the server closes the connection. */
export function bytesOf({ method = 'GET', target, headers = [], body, host }: RawRequest): Buffer {
  const content = Buffer.from(body ?? '');
  const lines = [
    `${method} ${target} HTTP/1.1`,
    ...(host === undefined ? [] : [`Host: ${host}`]),
    'Connection: close',
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...(body === undefined ? [] : [`Content-Length: ${content.length}`]),
  ];
  return Buffer.concat([Buffer.from(lines.join(END) + END + END, 'latin1'), content]);
}

/** Sends a request to a port of this machine and reads the answer to its end. */
export async function sendRaw(port: number, request: RawRequest): Promise<RawAnswer> {
  const socket = await openSocket(port);
  const answer = answerOn(socket);
  socket.write(bytesOf(request));
  return await answer;
}

export function openSocket(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

/** What the server sends on a socket until it closes it. @throws Error when it sends no answer */
export function answerOn(socket: Socket): Promise<RawAnswer> {
  const chunks: Buffer[] = [];
  return new Promise((resolve, reject) => {
    socket.on('data', (chunk) => chunks.push(chunk));
    // A server that refuses a large request closes early; its answer is there all the same.
    socket.on('error', () => undefined);
    socket.once('close', () => {
      const raw = Buffer.concat(chunks).toString('latin1');
      if (raw === '') reject(new Error('the server closed the connection without an answer'));
      else resolve(parseAnswer(raw));
    });
  });
}

function parseAnswer(raw: string): RawAnswer {
  const end = raw.indexOf(END + END);
  const [start = '', ...lines] = raw.slice(0, end).split(END);
  const headers = new Map<string, string[]>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    headers.set(name, [...(headers.get(name) ?? []), line.slice(colon + 1).trim()]);
  }
  const rest = raw.slice(end + 4);
  const isChunked = headers.get('transfer-encoding')?.includes('chunked') ?? false;
  const body = Buffer.from(isChunked ? joinChunks(rest) : rest, 'latin1').toString('utf8');
  return { status: Number(start.split(' ')[1]), headers, body, raw };
}

/** RFC 9112 §7.1. */
function joinChunks(rest: string): string {
  let [position, joined] = [0, ''];
  for (;;) {
    const lineEnd = rest.indexOf(END, position);
    const size = Number.parseInt(rest.slice(position, lineEnd), 16);
    if (lineEnd < 0 || !(size > 0)) return joined;
    joined += rest.slice(lineEnd + 2, lineEnd + 2 + size);
    position = lineEnd + 2 + size + 2;
  }
}

/** Body and headers of a form. */
export function formRequest(
  fields: Readonly<Record<string, string>> | readonly (readonly [string, string])[],
): Pick<RawRequest, 'method' | 'body'> & {
  readonly headers: readonly (readonly [string, string])[];
} {
  const entries = Array.isArray(fields) ? fields : Object.entries(fields);
  return {
    method: 'POST',
    headers: [['Content-Type', 'application/x-www-form-urlencoded']],
    body: new URLSearchParams(entries as [string, string][]).toString(),
  };
}
