/**
 * Marks of what may be used once: codes, pushed requests, assertion and DPoP ids. Taking one is a
 * conditional insert, durable before the answer. Concurrent callers of a process share one statement
 * and one commit; while it runs, the next ones gather.
 */
import type { Knex } from 'knex';
import type { Clock } from '#lib/clock.ts';
import { hashOf } from './handles.ts';
import { currentSecond, fromUnix, toUnix } from './moments.ts';
import { statement } from './statement.ts';

// A mark whose time has passed may be taken again. Sorted, so that the batches of two processes
// never wait for each other in a circle.
const TAKE = statement<
  { hashes: readonly Buffer[]; ends: readonly Date[]; now: Date },
  { mark_hash: Buffer }
>(
  'replay_marks.take',
  `INSERT INTO replay_marks AS m (mark_hash, expires_at)
   SELECT hash, ends FROM unnest(CAST(:hashes AS bytea[]), CAST(:ends AS timestamptz[]))
     AS wanted (hash, ends) ORDER BY hash
   ON CONFLICT (mark_hash) DO UPDATE SET expires_at = EXCLUDED.expires_at
   WHERE m.expires_at <= CAST(:now AS timestamptz)
   RETURNING mark_hash`,
);

const HAS = statement<{ hash: Buffer; now: Date }, { found: number }>(
  'replay_marks.has',
  'SELECT 1 AS found FROM replay_marks WHERE mark_hash = :hash AND expires_at > :now',
);

const LARGEST_BATCH = 500;

interface Wanted extends PromiseWithResolvers<boolean> {
  readonly hash: Buffer;
  readonly expiresAt: number;
}

export class UseMarks {
  readonly #db: Knex;
  readonly #clock: Clock;
  /** By the hash in hex, so that a batch holds each mark once. */
  #waiting = new Map<string, Wanted>();
  #running = false;

  constructor(db: Knex, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  /** True exactly once per (scope, value) until `expiresAt`; false when that has passed already. */
  async take(scope: string, value: string, expiresAt: number): Promise<boolean> {
    // Nothing may be used at or after its end; taking the mark would let everyone take it.
    if (expiresAt <= toUnix(currentSecond(this.#clock))) return false;
    const hash = markOf(scope, value);
    const key = hash.toString('hex');
    const rival = this.#waiting.get(key);
    // Whether the rival wins or not, we do not; if it fails, nothing is known of ours either.
    if (rival) return await rival.promise.then(() => false);
    const wanted = { ...Promise.withResolvers<boolean>(), hash, expiresAt };
    this.#waiting.set(key, wanted);
    if (!this.#running) void this.#run();
    return await wanted.promise;
  }

  /** Whether a mark was taken. */
  async has(scope: string, value: string): Promise<boolean> {
    const parameters = { hash: markOf(scope, value), now: currentSecond(this.#clock) };
    return (await HAS.first(this.#db, parameters)) !== undefined;
  }

  async #run(): Promise<void> {
    this.#running = true;
    // Callers of the same moment come along.
    await Promise.resolve();
    while (this.#waiting.size > 0) {
      const batch = [...this.#waiting.entries()].slice(0, LARGEST_BATCH);
      for (const [key] of batch) this.#waiting.delete(key);
      await this.#take(batch.map(([, wanted]) => wanted));
    }
    this.#running = false;
  }

  async #take(batch: readonly Wanted[]): Promise<void> {
    try {
      const taken = await TAKE.rows(this.#db, {
        hashes: batch.map(({ hash }) => hash),
        ends: batch.map(({ expiresAt }) => fromUnix(expiresAt)),
        now: currentSecond(this.#clock),
      });
      const first = new Set(taken.map((row) => row.mark_hash.toString('hex')));
      for (const { hash, resolve } of batch) resolve(first.has(hash.toString('hex')));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}

const markOf = (scope: string, value: string) => hashOf(JSON.stringify([scope, value]));
