/**
 * What a pool of connections to PostgreSQL needs to fail fast and mend itself (DESIGN §10–11): a
 * bounded queue, a breaker, several servers, and no connection kept to a server that went down, hangs
 * or became a standby. guarded-client.ts puts it around knex's pool.
 */
import { DatabaseUnavailable } from './outage.ts';
import { PoolBreaker } from './pool-breaker.ts';
import {
  openConnection,
  type ConnectionPlan,
  type PooledConnection,
} from './postgres-connection.ts';

export interface GuardPlan extends ConnectionPlan {
  /** Requests that may wait for a connection; more are refused at once. */
  readonly queueLength: number;
}

const PROBE_MILLISECONDS = 500;

export class PoolGuard {
  readonly #plan: GuardPlan;
  readonly #breaker: PoolBreaker;
  readonly #listeners = new Set<(isOpen: boolean) => void>();
  /** When a connection was opened, in changes of the server; those of before are not used again. */
  readonly #generations = new WeakMap<PooledConnection, number>();
  /** The server that did last time comes first. */
  #servers: readonly string[];
  #generation = 0;

  constructor(plan: GuardPlan) {
    this.#plan = plan;
    this.#servers = plan.servers;
    this.#breaker = new PoolBreaker({
      probe: async () => {
        const connection = await this.#open();
        await connection.end();
      },
      onChange: (isOpen) => this.#changed(isOpen),
      probeMilliseconds: PROBE_MILLISECONDS,
    });
  }

  /** Whether the breaker is open: everything is refused. */
  get isOpen(): boolean {
    return this.#breaker.isOpen;
  }

  /** Told when the breaker opens and closes. */
  onBreaker(listener: (isOpen: boolean) => void): void {
    this.#listeners.add(listener);
  }

  /**
   * Before a connection is asked for.
   *
   * @throws DatabaseUnavailable while the breaker is open or too many wait
   */
  admit(waiting: number): void {
    if (this.#breaker.isOpen) throw new DatabaseUnavailable('the database is away');
    if (waiting < this.#plan.queueLength) return;
    throw new DatabaseUnavailable('too many requests wait for the database');
  }

  /** A new connection for the pool. */
  async open(): Promise<PooledConnection> {
    try {
      const connection = await this.#open();
      this.#breaker.succeeded();
      return connection;
    } catch (error) {
      this.#breaker.failed();
      throw error;
    }
  }

  /** Whether nothing happened to the server since the connection was opened. */
  isCurrent(connection: PooledConnection): boolean {
    return this.#generations.get(connection) === this.#generation;
  }

  close(): void {
    this.#breaker.close();
  }

  async #open(): Promise<PooledConnection> {
    const generation = this.#generation;
    const { connection, server } = await openConnection(this.#plan, this.#servers, {
      onServerLost: () => this.#distrust(generation),
      onSilence: () => this.#breaker.failed(),
    });
    this.#servers = [server, ...this.#servers.filter((other) => other !== server)];
    this.#generations.set(connection, generation);
    return connection;
  }

  /** One connection told of the end; the others of its time will hear the same. */
  #distrust(generation: number): void {
    if (generation === this.#generation) this.#generation += 1;
  }

  #changed(isOpen: boolean): void {
    // Whatever was connected before the outage may hang, or be somebody else by now.
    this.#generation += 1;
    for (const listener of this.#listeners) listener(isOpen);
  }
}
