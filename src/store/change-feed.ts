/**
 * The change feed: how every node learns within a second which copies of durable rows (in Redis, in
 * a process) are no longer good. Who changes a row writes the change into the table `changes` in the
 * same transaction; every process reads the table four times a second and keeps what is recent.
 * services.ts makes one per process; why it is not LISTEN/NOTIFY or Redis: docs/decisions/0013.
 *
 * What users of a copy must keep to:
 * - a copy carries the version that its row had, and is used only while `isTrusted` says so;
 * - it lives at most `horizonSeconds`, counted from the moment *before* its row was read (in Redis an
 *   absolute expiry): older changes are forgotten;
 * - without trust the database is read: slower, never wrong.
 */
import type { Knex } from 'knex';
import {
  NOTHING_SEEN,
  readChanges,
  sweepChanges,
  writeChanges,
  type Change,
  type Page,
  type Position,
  type Snapshot,
} from './change-log.ts';
import { RecentChanges, type ChangeKind, type GoodFrom } from './recent-changes.ts';

/** Longest life of a copy: 30 min of idle session, 5 min between durable touches, and reserve. */
export const HORIZON_SECONDS = 2700;
/** Between a change's time and its commit, and between clocks. */
const RESERVE_SECONDS = 300;

interface Limits {
  /** From the end of one look to the next. */
  readonly pollMilliseconds: number;
  /** No copy is trusted when the last look that succeeded began longer ago. */
  readonly staleMilliseconds: number;
  /** Rows per look; more are fetched at once. */
  readonly pageRows: number;
}
const DEFAULT_LIMITS: Limits = { pollMilliseconds: 250, staleMilliseconds: 1000, pageRows: 5000 };

export interface ChangeFeedParts {
  /** Pool in the application's role. */
  readonly db: Knex;
  /** An outage began; told once until it is over. */
  readonly onFailure?: (error: unknown) => void;
  readonly horizonSeconds?: number;
  readonly limits?: Partial<Limits>;
  /** Monotonic milliseconds. */
  readonly now?: () => number;
}

type Listener = (change: Change) => void;

export class ChangeFeed {
  readonly #db: Knex;
  readonly #limits: Limits;
  readonly #now: () => number;
  readonly #onFailure: (error: unknown) => void;
  readonly #horizonSeconds: number;
  readonly #recent: RecentChanges;
  readonly #listeners = new Map<ChangeKind, Set<Listener>>();
  #seen: Snapshot = NOTHING_SEEN;
  #freshFrom = Number.NEGATIVE_INFINITY;
  #failing = false;
  #timer: NodeJS.Timeout | undefined;
  #polling: Promise<void> | undefined;
  #stopped = true;

  constructor(parts: ChangeFeedParts) {
    this.#db = parts.db;
    this.#limits = { ...DEFAULT_LIMITS, ...parts.limits };
    this.#now = parts.now ?? (() => performance.now());
    this.#onFailure = parts.onFailure ?? (() => undefined);
    this.#horizonSeconds = parts.horizonSeconds ?? HORIZON_SECONDS;
    this.#recent = new RecentChanges(this.#horizonSeconds + RESERVE_SECONDS, this.#now);
  }

  /**
   * Announces changes. Other nodes learn of them when the transaction is visible to them; this
   * process at once, in a given transaction after its commit.
   */
  async publish(changes: readonly Change[], db: Knex = this.#db): Promise<void> {
    if (changes.length === 0) return;
    await writeChanges(db, changes);
    if (!db.isTransaction) {
      this.apply(changes);
      return;
    }
    Promise.all(commitsOf(db as Knex.Transaction)).then(
      () => this.apply(changes),
      () => undefined,
    );
  }

  /** What a statement of the caller's announced (`announcing`, change-log.ts) holds here at once. */
  apply(changes: readonly Change[]): void {
    for (const change of changes) {
      const isNews = this.#recent.add(change.kind, change.key, change.version);
      if (isNews) for (const listener of this.#listeners.get(change.kind) ?? []) listener(change);
    }
  }

  /** Whether a copy of this version may be used; false too while the feed is stale. */
  isTrusted(kind: ChangeKind, key: string, version: number): boolean {
    if (this.isStale) return false;
    const goodFrom = this.#recent.goodFrom(kind, key);
    return goodFrom === undefined || (goodFrom !== 'gone' && version >= goodFrom);
  }

  /** The last change of a key within the horizon, undefined when there is none. */
  latest(kind: ChangeKind, key: string): GoodFrom | undefined {
    return this.#recent.goodFrom(kind, key);
  }

  /** Nothing is known of other nodes' changes of the last second or longer. */
  get isStale(): boolean {
    return this.#now() - this.#freshFrom > this.#limits.staleMilliseconds;
  }

  /** Seconds since the last look that succeeded began; infinite before the first. */
  get ageSeconds(): number {
    return (this.#now() - this.#freshFrom) / 1000;
  }

  /**
   * Calls the listener for every change that is news to this process, those found at the start
   * included; returns how to stop that. A listener must not throw.
   */
  onChange(kind: ChangeKind, listener: Listener): () => void {
    const listeners = this.#listeners.get(kind) ?? new Set();
    this.#listeners.set(kind, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  /** Reads what is recent and keeps looking. @throws the driver's error when the first look fails */
  async start(): Promise<void> {
    this.#stopped = false;
    await this.#look();
    this.#schedule();
  }

  /** Returns when a look that is under way has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#polling;
  }

  /** Deletes at most `limit` changes that no copy can be older than; returns how many. */
  async sweep(limit: number): Promise<number> {
    const seconds = this.#horizonSeconds + RESERVE_SECONDS;
    return await sweepChanges(this.#db, seconds, limit);
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#polling = this.#poll().finally(() => this.#schedule());
    }, this.#limits.pollMilliseconds);
    this.#timer.unref();
  }

  async #poll(): Promise<void> {
    try {
      await this.#look();
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.#onFailure(error);
      this.#failing = true;
    }
  }

  /** One look at the table: what became visible since the last one. */
  async #look(): Promise<void> {
    const began = this.#now();
    let page = await this.#read(this.#seen, { xid: this.#seen.xmax, id: '0' });
    // Another server numbers transactions as it likes: nothing may be concluded from what was seen.
    if (page.snapshot.server !== this.#seen.server) {
      page = await this.#read(NOTHING_SEEN, { xid: NOTHING_SEEN.xmax, id: '0' });
    }
    const { snapshot } = page;
    while (page.full) page = await this.#read({ ...snapshot, xip: [] }, page.last);
    this.#seen = snapshot;
    this.#freshFrom = began;
  }

  async #read(since: Snapshot, after: Position): Promise<Page> {
    const page = await readChanges(this.#db, since, after, this.#limits.pageRows);
    this.apply(page.changes);
    return page;
  }
}

/** A savepoint is released before its transaction commits, which may still fail. */
function commitsOf(transaction: Knex.Transaction | undefined): readonly Promise<unknown>[] {
  if (!transaction) return [];
  return [transaction.executionPromise, ...commitsOf(transaction.parentTransaction)];
}
