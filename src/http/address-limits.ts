/**
 * Limits per network address: sign-in attempts, and requests to the sign-in pages. They slow down
 * who tries one password on many accounts; what protects one account is the attempt ledger. Called
 * by routes/ before anything else is done for the request. The windows are kept in `address_limits`
 * under a keyed hash, because an address is personal information; see docs/decisions/0004.
 */
import ipaddr from 'ipaddr.js';
import type { Knex } from 'knex';
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import type { BlindIndex } from '#crypto/blind-index.ts';
import type { Settings } from '#config/settings.ts';
import type { Clock } from '#lib/clock.ts';

export type AddressLimit = 'sign_in' | 'request';
export type Taken =
  { readonly ok: true } | { readonly ok: false; readonly retryAfterSeconds: number };

export interface AddressLimitsOptions {
  readonly db: Knex;
  /** For sweeping; the windows themselves go by the machine's clock, as the library does. */
  readonly clock: Clock;
  readonly index: BlindIndex;
  readonly settings: Settings['limits'];
  /** True in the test realm only: nothing is counted and nothing refused. */
  readonly lifted?: boolean;
  /** Length of each window; the defaults are those that the settings speak of. */
  readonly windowSeconds?: Readonly<Record<AddressLimit, number>>;
}

const WINDOW_SECONDS: Readonly<Record<AddressLimit, number>> = { sign_in: 60, request: 300 };

export class AddressLimits {
  readonly #options: AddressLimitsOptions;
  readonly #limiters: Readonly<Record<AddressLimit, RateLimiterPostgres>>;

  constructor(options: AddressLimitsOptions) {
    this.#options = options;
    const { settings, windowSeconds = WINDOW_SECONDS } = options;
    const limiter = (name: AddressLimit, points: number) =>
      createLimiter(options.db, { name, points, duration: windowSeconds[name] });
    this.#limiters = {
      sign_in: limiter('sign_in', settings.signInsPerAddress),
      request: limiter('request', settings.requestsPerAddress),
    };
  }

  /**
   * Takes one place in the address's window. Of n calls at the same moment on any number of
   * processes exactly as many succeed as there are places.
   *
   * @param address - as in RequestOrigin
   * @throws the driver's error when the database cannot be reached; callers let it become a 503
   */
  async take(limit: AddressLimit, address: string): Promise<Taken> {
    if (this.#options.lifted) return { ok: true };
    try {
      await this.#limiters[limit].consume(this.#options.index.of('address', addressBlock(address)));
      return { ok: true };
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal;
      return { ok: false, retryAfterSeconds: Math.max(1, Math.ceil(refusal.msBeforeNext / 1000)) };
    }
  }

  /** Deletes windows that are over. Returns how many. */
  async sweep(): Promise<number> {
    const now = Number(this.#options.clock.now());
    return await this.#options.db('address_limits').where('expire', '<', now).delete();
  }
}

function createLimiter(db: Knex, limit: { name: AddressLimit; points: number; duration: number }) {
  return new RateLimiterPostgres({
    storeClient: db,
    storeType: 'knex',
    tableName: 'address_limits',
    // Made by a migration: the application's role may not create tables.
    tableCreated: true,
    // sweep() does it, on a timer that can be stopped.
    clearExpiredByTimeout: false,
    keyPrefix: limit.name,
    points: limit.points,
    duration: limit.duration,
    // An address that used up its window is refused from memory until the window is over: a flood
    // from one address does not become a flood of writes.
    inMemoryBlockOnConsumed: limit.points,
  });
}

/** Ranges of IPv6 whose addresses stand for one IPv4 address, and the byte at which it begins. */
const EMBEDDED_IPV4: readonly [prefix: string, firstByte: number][] = [
  ['::ffff:0:0/96', 12], // IPv4-mapped, RFC 4291 §2.5.5.2
  ['::/96', 12], // IPv4-compatible, RFC 4291 §2.5.5.1
  ['::ffff:0:0:0/96', 12], // IPv4-translated, RFC 2765 §2.1
  ['64:ff9b::/96', 12], // translators, RFC 6052 §2.1
  ['2002::/16', 2], // 6to4, RFC 3056 §2: one IPv4 host owns 65,536 blocks of /64
];

/**
 * The block of addresses that one subscriber holds, and that is counted together: an IPv4 address,
 * or the /64 of an IPv6 one (RFC 6177). All spellings of an address give the same block.
 *
 * @returns `192.0.2.1`, `2001:db8:0:1::/64`, or `unreadable`, one block for whatever is no address
 */
export function addressBlock(address: string): string {
  if (!ipaddr.isValid(address)) return 'unreadable';
  const parsed = ipaddr.parse(address);
  if (parsed instanceof ipaddr.IPv4) return parsed.toString();
  const bytes = parsed.toByteArray();
  const embedded = EMBEDDED_IPV4.find(([prefix]) => parsed.match(ipaddr.IPv6.parseCIDR(prefix)));
  if (embedded && !isLoopback(bytes)) {
    const [, firstByte] = embedded;
    return new ipaddr.IPv4(bytes.slice(firstByte, firstByte + 4)).toString();
  }
  return `${new ipaddr.IPv6([...bytes.slice(0, 8), ...Array<number>(8).fill(0)]).toString()}/64`;
}

/** ::1 lies in the range of the IPv4-compatible addresses, but is none. */
const isLoopback = (bytes: readonly number[]) =>
  bytes.slice(0, 15).every((byte) => byte === 0) && bytes[15] === 1;
