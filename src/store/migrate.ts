/**
 * Brings the tables up to date: every `migrations/NNNN-name.sql` once, in order, all that are due in
 * one transaction. Run by `npm run cli -- migrate`, and at start outside production.
 */
import { readFileSync, readdirSync } from 'node:fs';
import type { Knex } from 'knex';

const MIGRATIONS = new URL('../../migrations/', import.meta.url);

/** A migration waits this long for a lock, so that it never queues up live traffic behind itself. */
const LOCK_TIMEOUT = '200ms';

const source: Knex.MigrationSource<string> = {
  getMigrations: () =>
    Promise.resolve(
      readdirSync(MIGRATIONS)
        .filter((name) => name.endsWith('.sql'))
        .sort(),
    ),
  getMigrationName: (name) => name,
  getMigration: (name) =>
    Promise.resolve({
      async up(knex) {
        await knex.raw(`SET LOCAL lock_timeout = '${LOCK_TIMEOUT}'`);
        const sql = readFileSync(new URL(name, MIGRATIONS), 'utf8').replaceAll('?', '\\?');
        await knex.raw(sql).catch((cause: unknown) => {
          throw new Error(`${name}: ${reasonOf(cause)}`, { cause });
        });
      },
      down: () => Promise.reject(new Error('Migrations only go forward; restore a back-up.')),
    }),
};

/** What the database said, without the file that knex puts before it. */
const reasonOf = (error: unknown) => String(error).split(' - ').at(-1) ?? '';

const options = { migrationSource: source, tableName: 'schema_migrations' };

/**
 * @returns the names of the migrations that were applied now, in order
 * @throws Error naming the migration that failed; then none was applied
 */
export async function migrate(owner: Knex): Promise<string[]> {
  const [, applied] = (await owner.migrate.latest(options)) as [number, string[]];
  return applied;
}

/** @returns the names of the migrations that are still to be applied */
export async function pendingMigrations(owner: Knex): Promise<string[]> {
  if (!(await owner.schema.hasTable(options.tableName))) return await source.getMigrations([]);
  const done = await owner<{ name: string }>(options.tableName).pluck('name');
  return (await source.getMigrations([])).filter((name) => !done.includes(name));
}
