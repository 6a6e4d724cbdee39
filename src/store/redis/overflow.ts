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

export class Overflow {
  readonly #feed: AnnouncingFeed;
  readonly #clock: Clock;
  readonly #longestSeconds: number;
  readonly #startedAt: number;

  /** @param longestSeconds - life of the longest-lived record that belongs in Redis */
  constructor(
    feed: AnnouncingFeed,
    { clock, longestSeconds }: { clock: Clock; longestSeconds: number },
  ) {
    this.#feed = feed;
    this.#clock = clock;
    this.#longestSeconds = longestSeconds;
    this.#startedAt = clock.nowSeconds();
  }

  /** Unknown counts as yes: after the start (nodes may have run without Redis), with a stale feed. */
  get mayHaveRecords(): boolean {
    const since = this.#clock.nowSeconds() - this.#longestSeconds - REPEAT_SECONDS;
    return this.#startedAt > since || !this.#feed.isTrusted('overflow', KEY, since);
  }

  /** A record goes to PostgreSQL. Told before it is written, so that nobody misses it. */
  async announce(): Promise<void> {
    const now = this.#clock.nowSeconds();
    const last = this.#feed.latest('overflow', KEY);
    if (typeof last === 'number' && last > now - REPEAT_SECONDS) return;
    await this.#feed.publish([{ kind: 'overflow', key: KEY, version: now }]);
  }
}
