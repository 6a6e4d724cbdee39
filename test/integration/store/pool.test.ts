import { expect } from 'chai';
import type { Knex } from 'knex';
import { openDatabase, type DatabaseOptions } from '#store/database.ts';
import { isOutage } from '#store/outage.ts';
import { describeOnPostgresql, onServer } from '../../support/databases.ts';
import { freePort } from '../../support/test-server.ts';

const caught = (attempt: PromiseLike<unknown>): Promise<unknown> =>
  Promise.resolve(attempt).then(
    () => undefined,
    (error: unknown) => error,
  );

describeOnPostgresql('store/pool', (current) => {
  const opened: Knex[] = [];
  const poolAt = async (databaseUrl: string, database: DatabaseOptions['database'] = {}) => {
    const engine = await openDatabase({ databaseUrl, dataDirectory: '', database });
    const db = engine.connect('application');
    opened.push(db);
    return db;
  };
  const url = () => current().url ?? '';
  const write = (db: Knex) => db.raw("UPDATE accounts SET status = status WHERE status = 'none'");

  afterEach(async () => {
    await Promise.all(opened.splice(0).map((db) => db.destroy()));
  });

  it('uses the one of several servers that answers', async () => {
    const several = url().replace('@', `@127.0.0.1:${await freePort()},`);
    const db = await poolAt(`${several}?target_session_attrs=read-write`);
    const { rows } = await db.raw<{ rows: { role: string }[] }>('SELECT current_user AS role');
    expect(rows).to.deep.equal([{ role: 'yirentong_app' }]);
  });

  it('throws a connection away that refuses to write, and goes on with another', async () => {
    const db = await poolAt(url(), { poolSize: 1 });
    await db.raw('SET default_transaction_read_only = on');
    expect(isOutage(await caught(write(db)))).to.equal(true);
    await write(db);
  });

  it('throws every connection of before away, not only the one that was refused', async () => {
    const db = await poolAt(url(), { poolSize: 2 });
    const session = () => db.raw('SET default_transaction_read_only = on; SELECT pg_sleep(0.1)');
    await Promise.all([session(), session()]);
    expect(isOutage(await caught(write(db)))).to.equal(true);
    await Promise.all([write(db), write(db)]);
  });

  it('does not use a server that takes no writes', async () => {
    const database = new URL(url()).pathname.slice(1);
    await onServer(`ALTER DATABASE ${database} SET default_transaction_read_only = on`);
    try {
      const db = await poolAt(url());
      expect(isOutage(await caught(db.raw('SELECT 1')))).to.equal(true);
      await (await poolAt(`${url()}?target_session_attrs=any`)).raw('SELECT 1');
    } finally {
      await onServer(`ALTER DATABASE ${database} RESET default_transaction_read_only`);
    }
  });

  it('goes on after all of its backends were terminated', async () => {
    const db = await poolAt(url());
    await Promise.all([db.raw('SELECT pg_sleep(0.1)'), db.raw('SELECT pg_sleep(0.1)')]);
    const database = new URL(url()).pathname.slice(1);
    await onServer(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}'`,
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    await write(db);
  });

  it('refuses at once what would wait behind too many', async () => {
    const db = await poolAt(url(), { poolSize: 1, queueLength: 2 });
    const sleep = () => db.raw('SELECT pg_sleep(0.2)');
    await sleep();
    const outcomes = await Promise.allSettled([sleep(), sleep(), sleep(), sleep(), sleep()]);
    const refused = outcomes.filter(({ status }) => status === 'rejected');
    expect(refused).to.have.length(2);
    for (const { reason } of refused as PromiseRejectedResult[]) {
      expect((reason as Error).name).to.equal('DatabaseUnavailable');
    }
  });

  it('ends a statement that takes too long, as an outage', async () => {
    const db = await poolAt(url(), { statementMilliseconds: 200 });
    expect(isOutage(await caught(db.raw('SELECT pg_sleep(5)')))).to.equal(true);
  });
});
