/** Many rows in one statement. */
import type { Knex } from 'knex';

/**
 * Inserts rows that all have the same columns. They travel as one JSON value, so that the
 * statement's text, and the work of preparing it, does not grow with their number.
 *
 * @param table - name of a table whose columns are of types that JSON can be turned into
 * @throws the driver's error, e.g. 23505; then no row was inserted
 */
export async function insertRows(
  db: Knex,
  table: string,
  rows: readonly Readonly<Record<string, unknown>>[],
): Promise<void> {
  const [first] = rows;
  if (!first) return;
  const columns = Object.keys(first);
  const marks = columns.map(() => '??').join(', ');
  await db.raw(
    `INSERT INTO ?? (${marks}) SELECT ${marks} FROM json_populate_recordset(NULL::??, ?::json)`,
    [table, ...columns, ...columns, table, JSON.stringify(rows)],
  );
}
