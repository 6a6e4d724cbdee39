import { expect } from 'chai';
import pg from 'pg';
import type { TestDatabase } from '../../support/databases.ts';
import { DrillFolder } from '../../support/drills.ts';
import { isPostgresqlInstalled, OwnPostgresql } from '../../support/own-postgresql.ts';
import {
  aCitizen,
  startTestServer,
  type Citizen,
  type TestServer,
} from '../../support/test-server.ts';

describe('a base back-up with its WAL archive', () => {
  let postgresql: OwnPostgresql;
  let database: TestDatabase;
  let server: TestServer;
  let [early, late]: Citizen[] = [];
  let between = '';
  const folder = new DrillFolder();

  const ask = async (sql: string) => {
    const client = new pg.Client(postgresql.url);
    await client.connect();
    const { rows } = await client.query<{ answer: string }>(sql);
    await client.end();
    return rows[0]?.answer ?? '';
  };

  before(async function () {
    this.timeout(120_000);
    if (!isPostgresqlInstalled() && process.env['CI'] !== 'true') this.skip();
    postgresql = await OwnPostgresql.start();
    database = await postgresql.openDatabase();
    server = await startTestServer(database);
    const { exitCode, output } = await folder.backUp('base', postgresql.url);
    expect(exitCode, output).to.equal(0);
    early = await aCitizen(server);
    between = await ask('SELECT clock_timestamp()::text AS answer');
    late = await aCitizen(server);
    await ask('SELECT pg_switch_wal()::text AS answer');
  });
  after(async function () {
    this.timeout(60_000);
    folder.remove();
    await (server as TestServer | undefined)?.stop();
    await (database as TestDatabase | undefined)?.db.destroy();
    await (postgresql as OwnPostgresql | undefined)?.stop();
  });

  const drill = (citizen: Citizen | undefined, more: Record<string, string> = {}) => {
    if (!citizen) throw new Error('the citizens come with `before`');
    const WAL = postgresql.archive;
    return folder.drill(server.foundations.keys, citizen, { WAL, ...more });
  };

  it('brings back what was written after it, to the end of the archive', async () => {
    const { exitCode, output } = await drill(late);
    expect(exitCode, output).to.equal(0);
    expect(output).to.include('accounts: 2');
  }).timeout(120_000);

  it('stops at the moment that is asked for', async () => {
    const { exitCode, output } = await drill(early, { TARGET_TIME: between });
    expect(exitCode, output).to.equal(0);
    expect(output).to.include('accounts: 1');
    expect((await drill(late, { TARGET_TIME: between })).output).to.include('cannot sign in');
  }).timeout(120_000);
});
