/**
 * Who may run a periodic job now: a row per job, taken and prolonged by one statement. All times are
 * the database's. A holder that dies is followed when its lease is over; one that ends in order gives
 * its leases back. periodic-jobs.ts is the caller; why not pg-boss: docs/decisions/0016.
 */
import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';

export class Leases {
  readonly #db: Knex;
  readonly #holder = randomUUID();

  constructor(db: Knex) {
    this.#db = db;
  }

  /**
   * Begins a job when it is due and nobody else holds it.
   *
   * @param everySeconds - due when it was last begun, by anybody, at least this long ago
   * @returns whether it is ours now, for `leaseSeconds`
   */
  async begin(name: string, everySeconds: number, leaseSeconds: number): Promise<boolean> {
    const { rowCount } = await this.#db.raw<{ rowCount: number }>(BEGIN, {
      ...{ name, holder: this.#holder, everySeconds, leaseSeconds },
    });
    return rowCount === 1;
  }

  /** @returns false when the lease was lost: somebody else may be running the job */
  async prolong(name: string, leaseSeconds: number): Promise<boolean> {
    const { rowCount } = await this.#db.raw<{ rowCount: number }>(PROLONG, {
      ...{ name, holder: this.#holder, leaseSeconds },
    });
    return rowCount === 1;
  }

  /** Lets the next one begin when the job is due again. */
  async giveBack(name: string): Promise<void> {
    await this.#db('leases')
      .where({ name, holder: this.#holder })
      .update({ until: this.#db.fn.now() });
  }
}

/** A twentieth of the interval early is on time: timers of different nodes drift. */
const BEGIN = `
  INSERT INTO leases (name, holder, until, begun_at)
  VALUES (:name, :holder, now() + make_interval(secs => :leaseSeconds), now())
  ON CONFLICT (name) DO UPDATE
    SET holder = excluded.holder, until = excluded.until, begun_at = excluded.begun_at
    WHERE leases.until <= now()
      AND leases.begun_at <= now() - make_interval(secs => :everySeconds * 0.95)`;

const PROLONG = `
  UPDATE leases SET until = now() + make_interval(secs => :leaseSeconds)
   WHERE name = :name AND holder = :holder AND until > now()`;
