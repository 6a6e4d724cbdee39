/**
 * Databases for integration tests: the embedded one always, PostgreSQL where TEST_DATABASE_URL
 * points or a server answers on localhost. Each `describeOnEachDatabase` block gets a fresh,
 * migrated database of its own; in CI a missing PostgreSQL is a failure, elsewhere one line.
 */
import { randomBytes } from 'node:crypto';
import knex, { type Knex } from 'knex';
import { APPLICATION_ROLE, openDatabase, type DatabaseEngine } from '#store/database.ts';
import { migrate } from '#store/migrate.ts';

export interface TestDatabase {
  readonly kind: DatabaseEngine['kind'];
  readonly engine: DatabaseEngine;
  /** Pool in the application's role. */
  readonly db: Knex;
  /** Connection string of this database, undefined when embedded; for a second process. */
  readonly url: string | undefined;
}

const SERVER_URL = process.env['TEST_DATABASE_URL'] ?? 'postgres://postgres@127.0.0.1:5432/test';

/** Runs the cases once per kind of database; `current()` is the block's database. */
export function describeOnEachDatabase(
  title: string,
  cases: (current: () => TestDatabase) => void,
) {
  describeOn('embedded', `${title} (embedded)`, cases);
  describeOn('postgresql', `${title} (PostgreSQL)`, cases);
}

/** As describeOnEachDatabase, for what only a real server has (several connections, roles). */
export function describeOnPostgresql(title: string, cases: (current: () => TestDatabase) => void) {
  describeOn('postgresql', `${title} (PostgreSQL)`, cases);
}

/** On PostgreSQL where there is one, else embedded: for what the database has no part in. */
export function describeOnAnyDatabase(title: string, cases: (current: () => TestDatabase) => void) {
  describeOn('any', title, cases);
}

function describeOn(
  kind: DatabaseEngine['kind'] | 'any',
  title: string,
  cases: (current: () => TestDatabase) => void,
) {
  describe(title, () => {
    let current: TestDatabase | undefined;
    before(async function () {
      this.timeout(60_000);
      current = kind === 'embedded' ? await createEmbedded() : await createOnServer();
      if (kind === 'any') current ??= await createEmbedded();
      if (current === undefined) this.skip();
    });
    cases(() => {
      if (!current) throw new Error('The database is only there inside `it` and hooks.');
      return current;
    });
    // Hooks run in the order they are registered: servers of the cases stop first.
    after(async () => {
      if (current) await dropDatabase(current);
    });
  });
}

/** A migrated embedded database in memory. */
export async function createEmbedded(): Promise<TestDatabase> {
  const engine = await openDatabase({ dataDirectory: 'memory://' });
  return await finish(engine, undefined);
}

/** A migrated database of its own on the PostgreSQL server; undefined when there is none. */
export async function createOnServer(): Promise<TestDatabase | undefined> {
  const name = `yrt_test_${randomBytes(6).toString('hex')}`;
  try {
    await onServer(`CREATE DATABASE ${name}`);
  } catch (error) {
    if (process.env['CI'] === 'true' || process.env['TEST_DATABASE_URL'] !== undefined) throw error;
    console.log('    skipped: no PostgreSQL answers on localhost and TEST_DATABASE_URL is not set');
    return undefined;
  }
  const url = new URL(SERVER_URL);
  url.pathname = `/${name}`;
  return await finish(
    await openDatabase({ databaseUrl: url.href, dataDirectory: 'memory://' }),
    url.href,
  );
}

async function finish(engine: DatabaseEngine, url: string | undefined): Promise<TestDatabase> {
  const owner = engine.connect('owner');
  await migrate(owner);
  await owner.destroy();
  return { kind: engine.kind, engine, db: engine.connect('application'), url };
}

/** Closes the pool and removes the database. */
export async function dropDatabase(database: TestDatabase): Promise<void> {
  await database.db.destroy();
  await database.engine.close();
  if (database.url === undefined) return;
  const name = new URL(database.url).pathname.slice(1);
  await onServer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
}

/** Runs a statement as the superuser, beside the databases of tests. */
export async function onServer(sql: string): Promise<void> {
  const server = knex({ client: 'pg', connection: SERVER_URL, pool: { min: 0, max: 1 } });
  try {
    await server.raw(sql);
  } finally {
    await server.destroy();
  }
}

/**
 * Runs something as the tables' owner, which may do what the application may not. On the embedded
 * database the one connection changes its role and back.
 */
export async function asOwner(
  { engine, db }: TestDatabase,
  action: (owner: Knex) => Promise<unknown>,
): Promise<void> {
  if (engine.kind === 'postgresql') {
    const owner = engine.connect('owner');
    await action(owner).finally(() => owner.destroy());
    return;
  }
  await db.raw('RESET ROLE');
  await action(db).finally(() => db.raw(`SET ROLE ${APPLICATION_ROLE}`));
}

/** Sets the audit chain back to its beginning. */
export async function emptyAuditLog(database: TestDatabase): Promise<void> {
  await asOwner(database, async (owner) => {
    await owner.raw('TRUNCATE audit_events, audit_checkpoints, audit_dropped_months');
    await owner('audit_head').update({ seq: 0, hash: Buffer.alloc(32), mac: Buffer.alloc(0) });
  });
}

/** Every row of some tables as text, bytes in hex. */
export async function dumpTables(db: Knex, tables: readonly string[]): Promise<string> {
  const rows: unknown[] = [];
  for (const table of tables) {
    const result = await db.raw<{ rows: { row: string }[] }>('SELECT t::text AS row FROM ?? t', [
      table,
    ]);
    rows.push(...result.rows);
  }
  return JSON.stringify(rows);
}
