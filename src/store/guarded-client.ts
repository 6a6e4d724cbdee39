/** knex's PostgreSQL client with a guard around its pool. database.ts opens it. */
import { createRequire } from 'node:module';
import type { knex, Knex } from 'knex';
import { PoolGuard, type GuardPlan } from './pool-guard.ts';
import type { PooledConnection } from './postgres-connection.ts';

/** The pool that knex uses, as far as it is asked here. */
interface Pool {
  numPendingAcquires(): number;
  numUsed(): number;
  numFree(): number;
}

// knex exports its dialects as files only, without types.
const PostgresClient = createRequire(import.meta.url)(
  'knex/lib/dialects/postgres/index.js',
) as typeof knex.Client;

export class GuardedClient extends PostgresClient {
  // knex copies clients by their properties, so what they share is one object.
  readonly guard: PoolGuard;

  /** @param config - its `connection` is a {@link GuardPlan} */
  constructor(config: Knex.Config) {
    super(config);
    this.guard = new PoolGuard(config.connection as unknown as GuardPlan);
  }

  /** What an operator asks of a pool. */
  get load(): { waiting: number; used: number; free: number } {
    const pool = this.pool as Pool;
    return { waiting: pool.numPendingAcquires(), used: pool.numUsed(), free: pool.numFree() };
  }

  /** @throws DatabaseUnavailable at once while the database is away or too many wait */
  override async acquireConnection(): Promise<unknown> {
    this.guard.admit(this.load.waiting);
    return (await super.acquireConnection()) as unknown;
  }

  override acquireRawConnection(): Promise<unknown> {
    return this.guard.open();
  }

  override validateConnection(connection: PooledConnection): Promise<boolean> {
    return Promise.resolve(this.guard.isCurrent(connection));
  }

  override async destroy(callback?: () => void): Promise<void> {
    this.guard.close();
    await super.destroy(callback);
  }
}
