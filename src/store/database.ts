/**
 * The database behind everything durable: a PostgreSQL server, or the embedded one (PGlite, the
 * same PostgreSQL in WASM) in the data folder. main.ts and cli.ts open the engine; services.ts takes
 * one connection pool in the application's role, which may not change the audit log or the tables.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import knex, { type Knex } from 'knex';
import { settingsSchema, type Settings } from '#config/settings.ts';
import { lockDataDirectory } from './data-lock.ts';
import { GuardedClient } from './guarded-client.ts';
import type { GuardPlan } from './pool-guard.ts';
import { parsePostgresUrl } from './postgres-url.ts';

/** The group role that migrations grant the application's rights to. */
export const APPLICATION_ROLE = 'yirentong_app';

/** `owner` may change tables and is for migrations; `application` is for everything else. */
export type DatabaseRole = 'owner' | 'application';

export interface DatabaseEngine {
  readonly kind: 'postgresql' | 'embedded';
  /** Opens a pool; its owner destroys it. The embedded engine allows one open pool at a time. */
  connect(role: DatabaseRole): Knex;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  readonly databaseUrl?: string | undefined;
  /** Connection of the tables' owner; `databaseUrl` when absent. */
  readonly migrationDatabaseUrl?: string | undefined;
  /** Folder of the embedded database, or `memory://` for one that leaves nothing behind. */
  readonly dataDirectory: string;
  /** Defaults for what is left out. */
  readonly database?: Partial<Settings['database']>;
}

const QUIET = {
  /** Error messages carry the statement with its placeholders, never with the values. */
  compileSqlOnError: false,
  /** What knex would print is thrown as well, and our own log scrubs it. */
  log: { warn: () => undefined, error: () => undefined },
};
/** What knex writes SQL for. */
const OLDEST_POSTGRESQL = '15';
/** Migrations are in no hurry: for a connection, and for getting one. */
const OWNER_MILLISECONDS = 10_000;

/**
 * Opens the engine that the options ask for.
 *
 * @throws DataDirectoryInUse when another process holds the embedded database
 */
export async function openDatabase(options: DatabaseOptions): Promise<DatabaseEngine> {
  return options.databaseUrl === undefined
    ? await openEmbedded(options.dataDirectory)
    : openPostgresql(options, options.databaseUrl);
}

function openPostgresql(options: DatabaseOptions, databaseUrl: string): DatabaseEngine {
  const urls = { owner: options.migrationDatabaseUrl ?? databaseUrl, application: databaseUrl };
  const limits = settingsSchema.shape.database.parse(options.database ?? {});
  return {
    kind: 'postgresql',
    connect: (role) =>
      knex({
        client: GuardedClient,
        version: OLDEST_POSTGRESQL,
        ...QUIET,
        connection: planOf(urls[role], role, limits) as unknown as Knex.StaticConnectionConfig,
        acquireConnectionTimeout:
          role === 'owner' ? OWNER_MILLISECONDS : limits.acquireMilliseconds,
        pool: { min: 0, max: limits.poolSize },
      }),
    close: () => Promise.resolve(),
  };
}

function planOf(url: string, role: DatabaseRole, limits: Settings['database']): GuardPlan {
  const { servers, attributes = 'read-write' } = parsePostgresUrl(url);
  const isOwner = role === 'owner';
  return {
    ...{ servers, attributes, queueLength: limits.queueLength },
    role: isOwner ? undefined : APPLICATION_ROLE,
    connectMilliseconds: isOwner ? OWNER_MILLISECONDS : limits.connectMilliseconds,
    statementMilliseconds: isOwner ? undefined : limits.statementMilliseconds,
  };
}

async function openEmbedded(dataDirectory: string): Promise<DatabaseEngine> {
  // Many megabytes that a server on PostgreSQL never needs.
  const { PGlite } = await import('@electric-sql/pglite');
  const { createPgConfig } = await import('@electric-sql/pglite/node-postgres');
  const inMemory = dataDirectory === 'memory://';
  if (!inMemory) mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
  const lock = inMemory ? undefined : await lockDataDirectory(dataDirectory);
  const pglite = await PGlite.create(inMemory ? dataDirectory : join(dataDirectory, 'pglite'));
  // One for all pools: it remembers which statements are prepared, and so does the one session.
  const connection = createPgConfig(pglite) as Knex.StaticConnectionConfig;
  return {
    kind: 'embedded',
    connect: (role) =>
      knex({
        client: 'pg',
        ...QUIET,
        // PGlite is one session: a second "connection" would share the first one's transaction.
        pool: { min: 0, max: 1, afterCreate: enterRole(role) },
        connection,
      }),
    close: async () => {
      await pglite.close();
      await lock?.release();
    },
  };
}

interface RawConnection {
  query(sql: string, done: (error: Error | null) => void): void;
}

/** The embedded engine has one session, which changes its role with the pool. */
function enterRole(role: DatabaseRole) {
  const sql = role === 'owner' ? 'RESET ROLE' : `SET ROLE ${APPLICATION_ROLE}`;
  return (connection: RawConnection, done: (error: Error | null, c: RawConnection) => void) => {
    connection.query(sql, (error) => done(error, connection));
  };
}
