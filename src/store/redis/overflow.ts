/**
 * Whether records that belong in Redis may lie in PostgreSQL, because some process could not reach
 * Redis. Then a miss in Redis is not the last word. Announced in the change feed; its version is the
 * time (Unix seconds), so that it ends by itself when the longest-lived record has expired.
 */
import type { Clock } from '#lib/clock.ts';
import type { ChangeFeed } from '#store/change-feed.ts';

/** How often an outage that goes on is announced again. */
const REPEAT_SECONDS = 15;
const KEY = 'records';

type AnnouncingFeed = Pick<ChangeFeed, 'isTrusted' | 'latest' | 'publish'>;

export interface OverflowParts {
  readonly clock: Clock;
  /** Life of the longest-lived record that belongs in Redis. */
  readonly longestSeconds: number;
  /** Unix seconds: when the last record expires that was there at the start (nodes without Redis). */
  readonly leftUntil: number;
}

export class Overflow {
  readonly #feed: AnnouncingFeed;
  readonly #clock: Clock;
  readonly #longestSeconds: number;
  readonly #leftUntil: number;

  constructor(feed: AnnouncingFeed, { clock, longestSeconds, leftUntil }: OverflowParts) {
    this.#feed = feed;
    this.#clock = clock;
    this.#longestSeconds = longestSeconds;
    this.#leftUntil = leftUntil;
  }

  /** With a stale feed it is not known, which counts as yes. */
  get mayHaveRecords(): boolean {
    const now = this.#clock.nowSeconds();
    const since = now - this.#longestSeconds - REPEAT_SECONDS;
    return now < this.#leftUntil || !this.#feed.isTrusted('overflow', KEY, since);
  }

  /** A record goes to PostgreSQL. Told before it is written, so that nobody misses it. */
  async announce(): Promise<void> {
    const now = this.#clock.nowSeconds();
    const last = this.#feed.latest('overflow', KEY);
    if (typeof last === 'number' && last > now - REPEAT_SECONDS) return;
    await this.#feed.publish([{ kind: 'overflow', key: KEY, version: now }]);
  }
}
