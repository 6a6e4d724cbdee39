/**
 * How browsers and sites of the load reach the server: each over connections of its own, to the
 * balancer, with the address it pretends to come from.
 *
 * A request that fails is repeated once, as browsers and careful sites do: a 503 after its
 * Retry-After, a GET without an answer after a moment. Each try is recorded; the second one decides.
 */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, fetch as undiciFetch, type RequestInit as UndiciInit } from 'undici';
import { hasFailed, type Recorder, type Sample } from './recorder.ts';

export type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>;

/** On the answers that the load sees: `2` when a first try had failed. */
export const ATTEMPT_HEADER = 'x-faults-attempt';
/** Longer than any answer of the server may take. */
const TIMEOUT_MILLISECONDS = 15_000;
const NO_ANSWER_RETRY_MILLISECONDS = 200;
/** An idle connection is closed by the load before a node closes it. */
const KEEP_ALIVE_MILLISECONDS = 1000;

/** The request failed, and its repetition too. */
export class RequestFailed extends Error {
  readonly route: string;
  readonly status: number;
  constructor(route: string, status: number) {
    super(`${route}: ${status === 0 ? 'no answer' : status}`);
    this.name = 'RequestFailed';
    this.route = route;
    this.status = status;
  }
}

export class Wire {
  readonly #port: number;
  readonly #recorder: Recorder;
  readonly #agents: Agent[] = [];
  #addresses = 0;

  constructor(port: number, recorder: Recorder) {
    this.#port = port;
    this.#recorder = recorder;
  }

  /** A fetch for one browser or site, from an address of its own unless one is given. */
  open(address = this.newAddress()): Fetch {
    const agent = this.#newAgent();
    return async (url, init = {}) => {
      const headers = { ...(init.headers as object), 'x-forwarded-for': address };
      return await this.#send(new URL(url), { ...init, headers }, agent);
    };
  }

  /** Never given twice; from the block for benchmarks (RFC 2544). */
  newAddress(): string {
    this.#addresses += 1;
    return `198.18.${this.#addresses >> 8}.${this.#addresses & 255}`;
  }

  async close(): Promise<void> {
    await Promise.all(this.#agents.map((agent) => agent.destroy()));
  }

  async #send(url: URL, init: RequestInit, agent: Agent): Promise<Response> {
    const route = `${init.method ?? 'GET'} ${routeOf(url.pathname)}`;
    for (let attempt = 1; ; attempt += 1) {
      const startedAt = performance.now();
      const { response, ...ended } = await answerTo(url, { init, agent }, attempt);
      const milliseconds = performance.now() - startedAt;
      const wait = attempt === 1 ? waitBeforeRetry(init.method, ended) : undefined;
      const isLast = wait === undefined;
      this.#recorder.add({ route, startedAt, milliseconds, attempt, isLast, ...ended });
      if (response && !hasFailed(ended)) return response;
      if (wait === undefined) throw new RequestFailed(route, ended.status);
      await sleep(wait);
    }
  }

  #newAgent(): Agent {
    const agent = new Agent({
      keepAliveTimeout: KEEP_ALIVE_MILLISECONDS,
      connect: (_options, done) => {
        const socket = connect(this.#port, '127.0.0.1');
        socket.once('connect', () => done(null, socket));
        socket.once('error', (error) => done(error, null));
        return socket;
      },
    });
    this.#agents.push(agent);
    return agent;
  }
}

type Ended = Pick<Sample, 'status' | 'retryAfterSeconds' | 'cause'>;

async function answerTo(
  url: URL,
  { init, agent }: { init: RequestInit; agent: Agent },
  attempt: number,
): Promise<Ended & { response?: Response }> {
  try {
    const request = {
      ...init,
      dispatcher: agent,
      signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS),
    };
    // The library's own types of a request; what the load sends is in both.
    const answer = await undiciFetch(url, request as unknown as UndiciInit);
    const body = await answer.arrayBuffer();
    const { status } = answer;
    const headers = new Headers([...answer.headers]);
    headers.set(ATTEMPT_HEADER, String(attempt));
    const response = new Response(body.byteLength > 0 ? body : null, { status, headers });
    const after = headers.get('retry-after');
    return { status, response, ...(after !== null && { retryAfterSeconds: Number(after) }) };
  } catch (error) {
    return { status: 0, cause: causeOf(error) };
  }
}

/** @returns milliseconds; undefined when nobody would try again */
function waitBeforeRetry(method = 'GET', { status, retryAfterSeconds }: Ended): number | undefined {
  if (status === 503 && retryAfterSeconds !== undefined) return retryAfterSeconds * 1000;
  return status === 0 && method === 'GET' ? NO_ANSWER_RETRY_MILLISECONDS : undefined;
}

const routeOf = (path: string) => path.replaceAll(/\/[\w-]{20,}/g, '/…');

function causeOf(error: unknown): string {
  const { cause, message, name } = error as Error;
  const inner = cause as NodeJS.ErrnoException | undefined;
  return inner?.code ?? (name === 'TimeoutError' ? name : message);
}
