/**
 * The one door through which this server calls others: `jwks_uri`, `sector_identifier_uri`,
 * back-channel logout, webhooks. Their URLs come from registrations, so each request could be aimed
 * at our own network (server-side request forgery). The name is resolved here, every address is
 * vetted, and the connection goes to a vetted address only: there is no second resolution that could
 * answer otherwise (DNS rebinding). Handed to oidc-provider as its `fetch`, to the outbox worker,
 * and to registration as `assertAllowedUrl`.
 */
import { lookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { Agent, fetch as undiciFetch } from 'undici';
import { createAddressPolicy, type AddressPolicy } from './address-policy.ts';

export interface EgressLimits {
  /** Networks that outbound requests may reach though they are private, or speak plain http. */
  allowedPrivateCidrs: readonly string[];
  /** For the whole request: resolution, connection, headers and body. */
  timeoutMilliseconds: number;
  /** Of the body, after decompression. */
  maxResponseBytes: number;
}

/** All addresses of a host name, in text form. */
export type Resolver = (hostname: string) => Promise<readonly string[]>;

export type EgressRefusal =
  | 'url'
  | 'scheme'
  | 'userinfo'
  | 'insecure'
  | 'unresolved'
  | 'address'
  | 'redirect'
  | 'content_type'
  | 'too_large'
  | 'timeout'
  | 'unreachable';

/** The message names only the reason and may be shown; addresses stay in `cause`, for the log. */
export class EgressRefused extends Error {
  readonly reason: EgressRefusal;

  constructor(reason: EgressRefusal, cause?: unknown) {
    super(`outbound request refused: ${reason}`, { cause });
    this.name = 'EgressRefused';
    this.reason = reason;
  }
}

export interface Egress {
  /**
   * Like the global `fetch`, within the limits; the body has been read when it resolves. A
   * redirect, cookies, a dispatcher and proxies from the environment are never followed or used.
   *
   * @throws EgressRefused when the request may not be made, or did not end well in time
   */
  readonly fetch: (input: string | URL | Request, init?: RequestInit) => Promise<Response>;
  /**
   * The part of the check that is possible when a URL is registered: its form, and its host where
   * that is an address (in any spelling) or `localhost`. Other names are vetted when fetched.
   *
   * @throws EgressRefused `url`, `scheme`, `userinfo`, `insecure` or `address`
   */
  readonly assertAllowedUrl: (url: string | URL) => void;
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const STATUSES_WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);
/** What servers declare for the JSON documents we ask for; nothing to be had from HTML pages. */
const JSON_TYPES = /^(?:application\/(?:[\w.-]+\+)?json|application\/octet-stream|text\/plain)\b/i;

/** @param resolve - the operating system's resolver unless a test brings its own */
export function createEgress(limits: EgressLimits, resolve: Resolver = resolveBySystem): Egress {
  const policy = createAddressPolicy(limits.allowedPrivateCidrs);
  return {
    async fetch(input, init = {}) {
      const target = parseTarget(input instanceof Request ? input.url : input);
      const signals = [AbortSignal.timeout(limits.timeoutMilliseconds)];
      if (init.signal) signals.push(init.signal);
      const signal = AbortSignal.any(signals);
      try {
        const addresses = await vettedAddresses(target, policy, untilAborted(resolve, signal));
        const request = new Request(input, { ...init, redirect: 'manual', signal });
        return await exchange(request, addresses, limits.maxResponseBytes);
      } catch (error) {
        if (error instanceof EgressRefused) throw error;
        throw new EgressRefused(signal.aborted ? 'timeout' : 'unreachable', error);
      }
    },

    assertAllowedUrl(url) {
      const target = parseTarget(url);
      const address = literalAddress(target);
      if (address !== undefined) vet(target, [address], policy);
      else if (target.protocol === 'http:' && limits.allowedPrivateCidrs.length === 0) {
        throw new EgressRefused('insecure');
      }
    },
  };
}

async function resolveBySystem(hostname: string): Promise<readonly string[]> {
  const answers = await lookup(hostname, { all: true });
  return answers.map(({ address }) => address);
}

function parseTarget(url: string | URL): URL {
  const target = URL.parse(String(url));
  if (!target) throw new EgressRefused('url');
  if (target.protocol !== 'https:' && target.protocol !== 'http:') {
    throw new EgressRefused('scheme');
  }
  if (target.username !== '' || target.password !== '') throw new EgressRefused('userinfo');
  return target;
}

/** `URL` has already folded decimal, octal, hexadecimal and shortened IPv4 to four numbers. */
function literalAddress(target: URL): string | undefined {
  const host = target.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0) return host;
  // RFC 6761 §6.3: these names mean this machine, whatever a resolver says.
  return /(?:^|\.)localhost\.?$/.test(host) ? '127.0.0.1' : undefined;
}

async function vettedAddresses(target: URL, policy: AddressPolicy, resolve: Resolver) {
  const host = target.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0) return vet(target, [host], policy);
  return vet(target, await resolve(host), policy);
}

/** One refused address refuses the request: a name that mixes the two is an attack or a mistake. */
function vet(target: URL, addresses: readonly string[], policy: AddressPolicy): readonly string[] {
  if (addresses.length === 0) throw new EgressRefused('unresolved');
  for (const address of addresses) {
    const verdict = policy.verdict(address);
    if (verdict === 'refused') {
      throw new EgressRefused('address', new Error(`${target.hostname} is at ${address}`));
    }
    if (target.protocol === 'http:' && verdict !== 'listed') throw new EgressRefused('insecure');
  }
  return addresses;
}

/** A resolver cannot be stopped, but nobody has to wait for it. */
function untilAborted(resolve: Resolver, signal: AbortSignal): Resolver {
  return (hostname) => {
    signal.throwIfAborted();
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => {
        reject(new EgressRefused('timeout'));
      });
    });
    const resolved = resolve(hostname).catch((error: unknown) => {
      throw new EgressRefused('unresolved', error);
    });
    return Promise.race([resolved, aborted]);
  };
}

/** Sends the request to the vetted addresses only, and reads the whole answer. */
async function exchange(request: Request, addresses: readonly string[], maxBytes: number) {
  request.headers.delete('cookie');
  const agent = new Agent({
    allowH2: false,
    connect: { lookup: alwaysAnswering(addresses), rejectUnauthorized: true },
  });
  try {
    const answer = await undiciFetch(request.url, {
      method: request.method,
      headers: [...request.headers],
      body: request.body ? new Uint8Array(await request.arrayBuffer()) : null,
      redirect: 'manual',
      signal: request.signal,
      dispatcher: agent,
    });
    if (REDIRECTS.has(answer.status)) throw new EgressRefused('redirect');
    assertExpectedType(request.headers.get('accept'), answer);
    const body = await readCapped(answer.body, maxBytes);
    const { status, statusText } = answer;
    const headers = new Headers([...answer.headers]);
    // They describe the bytes on the wire; the body handed over is decompressed.
    headers.delete('content-encoding');
    headers.delete('content-length');
    const hasBody = !STATUSES_WITHOUT_BODY.has(status);
    return new Response(hasBody ? body : null, { status, statusText, headers });
  } finally {
    await agent.destroy();
  }
}

/** node:net's lookup, answered from what was vetted whatever name it asks for. */
function alwaysAnswering(addresses: readonly string[]): LookupFunction {
  const answers = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_hostname, options, callback) => {
    if (options.all) callback(null, answers);
    else callback(null, answers[0]?.address ?? '', answers[0]?.family);
  };
}

/** Who asked for JSON gets a document, never a page (where the type is declared at all). */
function assertExpectedType(accept: string | null, answer: { ok: boolean; headers: HeadersLike }) {
  const declared = answer.headers.get('content-type');
  if (!answer.ok || accept !== 'application/json' || declared === null) return;
  if (!JSON_TYPES.test(declared)) throw new EgressRefused('content_type');
}

interface HeadersLike {
  get(name: string): string | null;
}

async function readCapped(
  body: AsyncIterable<Uint8Array> | null,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let received = 0;
  for await (const chunk of body ?? []) {
    received += chunk.byteLength;
    if (received > maxBytes) throw new EgressRefused('too_large');
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}
