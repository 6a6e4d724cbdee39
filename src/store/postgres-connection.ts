/**
 * One connection to PostgreSQL, opened at whichever of the named servers will do and in the wanted
 * role. pool-guard.ts is the one caller.
 */
import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';
import { endsConnections } from './outage.ts';
import type { SessionAttributes } from './postgres-url.ts';

/** The rights that a connection has: the application's role, or those of its login. */
export interface ConnectionPlan {
  readonly servers: readonly string[];
  readonly attributes: SessionAttributes;
  readonly role: string | undefined;
  readonly connectMilliseconds: number;
  /** Longest statement; without a limit (migrations) also no watch over silence. */
  readonly statementMilliseconds: number | undefined;
}

export interface ConnectionEvents {
  /** The server is going down, or takes no writes any more. */
  onServerLost(): void;
  /** No answer though the statement's time is over: the server or the way to it hangs. */
  onSilence(): void;
}

/** knex's mark on a connection that its pool is to throw away. */
export interface PooledConnection extends Client {
  __knex__disposed?: unknown;
  /** Of pg: false from a query until its answer is complete. */
  readonly readyForQuery?: boolean | undefined;
}

/** A head start for the server that did last time, so that the others are not asked in vain. */
const HEAD_START_MILLISECONDS = 250;
/** How much longer than the server's own limit is waited for its refusal. */
const SILENCE_MARGIN_MILLISECONDS = 200;
const KEEP_ALIVE_MILLISECONDS = 10_000;

/**
 * Asks the first server, a moment later (or when it refused) the others, and takes the first that
 * will do.
 *
 * @returns the connection and its server
 * @throws the first server's error when none will do
 */
export async function openConnection(
  plan: ConnectionPlan,
  servers: readonly string[],
  events: ConnectionEvents,
): Promise<{ connection: PooledConnection; server: string }> {
  const winners: PooledConnection[] = [];
  const ask = async (server: string) => {
    if (winners.length > 0) throw new Error('another server answered first');
    const connection = await openAt(plan, server, events);
    if (winners.push(connection) > 1) {
      await connection.end();
      throw new Error('another server answered first');
    }
    return { connection, server };
  };
  const [first = '', ...others] = servers;
  const asked = ask(first);
  const refused = new Promise<void>((resolve) => void asked.catch(() => resolve()));
  const later = others.map(async (server) => {
    await Promise.race([pause(HEAD_START_MILLISECONDS), refused]);
    return await ask(server);
  });
  try {
    return await Promise.any([asked, ...later]);
  } catch (error) {
    throw (error as AggregateError).errors[0];
  }
}

async function openAt(
  plan: ConnectionPlan,
  server: string,
  events: ConnectionEvents,
): Promise<PooledConnection> {
  const { statementMilliseconds } = plan;
  const connection: PooledConnection = new Client({
    connectionString: server,
    connectionTimeoutMillis: plan.connectMilliseconds,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MILLISECONDS,
    ...(statementMilliseconds !== undefined && { statement_timeout: statementMilliseconds }),
  });
  const dispose = (error?: Error) => {
    connection.__knex__disposed ??= error ?? new Error('the connection ended');
  };
  connection.on('error', dispose);
  connection.on('end', () => dispose());
  await connection.connect();
  connection.connection.on('errorMessage', ({ code }: { code?: string }) => {
    if (!endsConnections(code)) return;
    dispose(new Error(`SQLSTATE ${code ?? ''}`));
    events.onServerLost();
  });
  if (statementMilliseconds !== undefined) {
    watchSilence(connection, statementMilliseconds + SILENCE_MARGIN_MILLISECONDS, events);
  }
  try {
    await prepareSession(connection, plan);
  } catch (error) {
    void connection.end().catch(() => undefined);
    throw error;
  }
  return connection;
}

/** The server ends statements that take too long; when not even that comes, it is we who give up. */
function watchSilence(
  connection: PooledConnection,
  milliseconds: number,
  events: ConnectionEvents,
): void {
  const stream = connection.connection.stream as Socket;
  stream.setTimeout(milliseconds, () => {
    if (connection.readyForQuery === true) return;
    stream.destroy(Object.assign(new Error('the database is silent'), { code: 'ETIMEDOUT' }));
    events.onSilence();
  });
}

/** Leaves the login role for the application's, so that even a superuser's URL gains no rights. */
async function prepareSession(connection: Client, plan: ConnectionPlan): Promise<void> {
  const enterRole = plan.role === undefined ? 'RESET ROLE' : `SET ROLE ${plan.role}`;
  const results = (await connection.query(`${enterRole}; SHOW transaction_read_only`)) as unknown;
  const [, shown] = results as { rows: { transaction_read_only: string }[] }[];
  const isReadOnly = shown?.rows[0]?.transaction_read_only !== 'off';
  if (isReadOnly && plan.attributes === 'read-write') {
    // The code of a write that such a server refuses.
    throw Object.assign(new Error('the database takes no writes'), { code: '25006' });
  }
}
