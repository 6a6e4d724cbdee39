/** The whole database as text, as a thief of a backup would read it. */
import { dumpTables, type TestDatabase } from './databases.ts';

/** Every row of every table of the application; bytes in hex. */
export async function dumpEverything({ db }: TestDatabase): Promise<string> {
  const { rows } = await db.raw<{ rows: { name: string }[] }>(
    `SELECT table_name AS name FROM information_schema.tables
     WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1`,
  );
  return await dumpTables(
    db,
    rows.map(({ name }) => name),
  );
}
