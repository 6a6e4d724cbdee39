/**
 * Hot SQL as named prepared statements. PostgreSQL parses and plans each one once per connection,
 * and no query builder runs in between; what is not hot, and every transaction, stays with knex.
 *
 * A statement is a constant beside the class that uses it:
 *
 *     const FIND = statement<{ id: string }, { status: string }>(
 *       'accounts.find', 'SELECT status FROM accounts WHERE id = :id');
 *     const row = await FIND.first(db, { id }); // db: the pool, or a transaction of it
 *
 * Name every column: a `SELECT *` that was prepared before a migration fails after it. Where the
 * type of a parameter is not plain from its use, write CAST(:moment AS timestamptz). Behind
 * PgBouncer in transaction mode this needs PgBouncer ≥ 1.21 with `max_prepared_statements` > 0
 * (docs/operating.md).
 */
import { createHash } from 'node:crypto';
import type { Knex } from 'knex';
import type { Client, QueryResult } from 'pg';

/** What a parameter may be; JSON goes in as text, an array as a PostgreSQL array. */
export type SqlValue = string | number | boolean | Date | Buffer | null | readonly SqlValue[];
type SqlParameters<P> = { readonly [Name in keyof P]: SqlValue };

/** Each method is one round trip and takes the pool, or a transaction whose connection it uses. */
export interface Statement<P extends SqlParameters<P>, Row> {
  /** Label and a digest of the text: two statements never share a name. */
  readonly name: string;
  rows(db: Knex, parameters: P): Promise<Row[]>;
  first(db: Knex, parameters: P): Promise<Row | undefined>;
  /** How many rows the statement returned or changed. */
  count(db: Knex, parameters: P): Promise<number>;
}

/**
 * @param label - `table.intent`, at most 40 characters: seen in errors and in pg_prepared_statements
 * @param sql - parameters as `:name`, each as often as needed
 * @throws (the methods) the driver's error, its message led by the name, without the values;
 *   KnexTimeoutError when no connection becomes free in time
 */
export function statement<P extends SqlParameters<P>, Row = never>(
  label: string,
  sql: string,
): Statement<P, Row> {
  const { text, names } = positioned(sql);
  const name = `${label}.${createHash('sha256').update(text).digest('hex').slice(0, 12)}`;
  const run = async (db: Knex, parameters: P) => {
    const values = names.map((parameter) => parameters[parameter as keyof P]);
    return await execute<Row>(db, { name, text, values });
  };
  return {
    name,
    rows: async (db, parameters) => (await run(db, parameters)).rows,
    first: async (db, parameters) => (await run(db, parameters)).rows[0],
    count: async (db, parameters) => (await run(db, parameters)).rowCount ?? 0,
  };
}

/** `:name` outside `::type` becomes `$n`, the same number wherever the name recurs. */
function positioned(sql: string) {
  const names: string[] = [];
  const text = sql.trim().replaceAll(/(?<!:):([a-z]\w*)/giu, (_match, parameter: string) => {
    if (!names.includes(parameter)) names.push(parameter);
    return `$${names.indexOf(parameter) + 1}`;
  });
  return { text, names };
}

interface NamedQuery {
  readonly name: string;
  readonly text: string;
  readonly values: SqlValue[];
}

async function execute<Row>(db: Knex, query: NamedQuery): Promise<QueryResult<Row & object>> {
  // A finished transaction would hand out a connection that serves somebody else by now.
  if (db.isTransaction === true && (db as Knex.Transaction).isCompleted()) {
    throw new Error(`${query.name}: the transaction is over`);
  }
  const client = db.client as Knex.Client;
  const connection = (await client.acquireConnection()) as Client;
  try {
    return await send(connection, query);
  } finally {
    void client.releaseConnection(connection);
  }
}

function send<Row>(connection: Client, query: NamedQuery): Promise<QueryResult<Row & object>> {
  return new Promise((resolve, reject) => {
    connection.query<Row & object>(query, (error: Error | null, result) => {
      if (error === null) {
        resolve(result);
        return;
      }
      error.message = `${query.name}: ${error.message}`;
      reject(error);
    });
  });
}
