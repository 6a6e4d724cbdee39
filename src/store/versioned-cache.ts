/**
 * A process's own copies of small rows that are read with every request (sites, accounts' states).
 * A copy is used while the change feed trusts its version; without a fresh feed every look reads
 * the database. What is not there is remembered as well, apart, so that made-up keys drive out
 * nothing real.
 */
import type { ChangeFeed } from './change-feed.ts';
import type { ChangeKind } from './recent-changes.ts';

/** What a row says, undefined when it says "not there"; with its version, 0 when there is no row. */
export interface Versioned<T> {
  readonly value: T | undefined;
  readonly version: number;
}

export interface VersionedCacheParts<T> {
  readonly feed: Pick<ChangeFeed, 'isTrusted'>;
  readonly kind: ChangeKind;
  readonly load: (key: string) => Promise<Versioned<T>>;
  readonly maxEntries: number;
  /** Monotonic milliseconds. */
  readonly now?: () => number;
}

/** Well below what the feed remembers. */
const LIFETIME_MILLISECONDS = 600_000;

interface Entry<T> extends Versioned<T> {
  /** Before it was read. */
  readonly readAt: number;
}

export class VersionedCache<T> {
  readonly #parts: VersionedCacheParts<T>;
  readonly #now: () => number;
  /** Least recently used first. */
  readonly #present = new Map<string, Entry<T>>();
  readonly #absent = new Map<string, Entry<T>>();

  constructor(parts: VersionedCacheParts<T>) {
    this.#parts = parts;
    this.#now = parts.now ?? (() => performance.now());
  }

  async find(key: string): Promise<Versioned<T>> {
    const readAt = this.#now();
    const known = this.#present.get(key) ?? this.#absent.get(key);
    if (known && this.#isGood(key, known, readAt)) {
      this.#keep(key, known);
      return known;
    }
    const read = await this.#parts.load(key);
    this.#keep(key, { ...read, readAt });
    return read;
  }

  #isGood(key: string, { version, readAt }: Entry<T>, now: number): boolean {
    const { feed, kind } = this.#parts;
    return now - readAt < LIFETIME_MILLISECONDS && feed.isTrusted(kind, key, version);
  }

  #keep(key: string, entry: Entry<T>): void {
    this.#present.delete(key);
    this.#absent.delete(key);
    const map = entry.value === undefined ? this.#absent : this.#present;
    map.set(key, entry);
    if (map.size <= this.#parts.maxEntries) return;
    const [oldest = key] = map.keys();
    map.delete(oldest);
  }
}
