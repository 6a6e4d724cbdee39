import { expect } from 'chai';
import { isOutage } from '#store/outage.ts';
import { openDatabase } from '#store/database.ts';
import { statement } from '#store/statement.ts';
import { describeOnEachDatabase, describeOnPostgresql } from '../../support/databases.ts';

const ADD = statement<{ id: string; now: Date }>(
  'test.add',
  `INSERT INTO accounts (id, channel, created_at, updated_at) VALUES (:id, 'web', :now, :now)`,
);
const FIND = statement<{ id: string }, { id: string; status: string }>(
  'test.find',
  'SELECT id, status FROM accounts WHERE id = :id OR id = :id',
);
const ECHO = statement<{ text: string; list: readonly string[] }, { text: string; n: number }>(
  'test.echo',
  'SELECT CAST(:text AS text) AS text, array_length(:list::text[], 1) AS n',
);
const PREPARED = 'SELECT count(*)::int AS n FROM pg_prepared_statements WHERE name = ?';
const NOBODY = '00000000-0000-7000-8000-000000000000';
const now = new Date('2026-11-23T00:00:00Z');
const id = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const caught = async (work: Promise<unknown>): Promise<Error & { code?: string }> =>
  await work.then(
    () => expect.fail('nothing was thrown'),
    (error: unknown) => error as Error,
  );

describeOnEachDatabase('store/statement', (current) => {
  it('gives typed rows, the first row and the count of changed rows', async () => {
    const { db } = current();
    expect(await ADD.count(db, { id: id(1), now })).to.equal(1);
    expect(await FIND.rows(db, { id: id(1) })).to.deep.equal([{ id: id(1), status: 'active' }]);
    expect(await FIND.first(db, { id: NOBODY })).to.equal(undefined);
  });

  it('takes one parameter in several places, a cast beside it, and arrays', async () => {
    const row = await ECHO.first(current().db, { text: 'a:b', list: ['x', 'y{",'] });
    expect(row).to.deep.equal({ text: 'a:b', n: 2 });
  });

  it('is prepared under its name on the connection that ran it, once', async () => {
    await current().db.transaction(async (trx) => {
      await FIND.first(trx, { id: NOBODY });
      await FIND.first(trx, { id: NOBODY });
      const found = await trx.raw<{ rows: { n: number }[] }>(PREPARED, [FIND.name]);
      expect(found.rows[0]?.n).to.equal(1);
    });
  });

  it('belongs to the transaction it is given', async () => {
    const { db } = current();
    const work = db.transaction(async (trx) => {
      await ADD.count(trx, { id: id(2), now });
      expect(await FIND.first(trx, { id: id(2) })).to.not.equal(undefined);
      throw new Error('roll back');
    });
    expect((await caught(work)).message).to.equal('roll back');
    expect(await FIND.first(db, { id: id(2) })).to.equal(undefined);
  });

  it('refuses a transaction that is over', async () => {
    const trx = await current().db.transaction();
    await trx.commit();
    expect((await caught(FIND.first(trx, { id: NOBODY }))).message).to.contain('is over');
  });

  it('names the statement and not the values in an error, and leaves the connection usable', async () => {
    const { db } = current();
    await ADD.count(db, { id: id(3), now });
    const error = await caught(ADD.count(db, { id: id(3), now }));
    expect(error).to.have.property('code', '23505');
    expect(error.message).to.contain(ADD.name).and.not.contain(id(3));
    expect(await FIND.rows(db, { id: id(3) })).to.have.length(1);
  });

  it('recovers from a first use that could not be prepared', async () => {
    const { db } = current();
    const broken = statement<{ id: string }>('test.broken', 'SELECT nothing FROM nowhere_yet');
    expect(await caught(broken.rows(db, { id: '' }))).to.have.property('code', '42P01');
    expect(await caught(broken.rows(db, { id: '' }))).to.have.property('code', '42P01');
  });

  it('works in every pool that is opened after another one', async () => {
    const { engine, db } = current();
    await FIND.first(db, { id: NOBODY });
    await db.destroy();
    db.initialize();
    const again = engine.connect('application');
    try {
      expect(await FIND.first(again, { id: NOBODY })).to.equal(undefined);
    } finally {
      await again.destroy();
    }
    expect(await FIND.first(db, { id: NOBODY })).to.equal(undefined);
  });
});

describe('store/statement', () => {
  it('never gives two texts one name', () => {
    const [one, other] = ['SELECT 1', 'SELECT 2'].map((sql) => statement('same.label', sql));
    expect(one?.name).to.not.equal(other?.name);
  });
});

describeOnPostgresql('store/statement', (current) => {
  it('reports an outage when no connection is free, and when the database is gone', async () => {
    const { url } = current();
    if (url === undefined) throw new Error('no PostgreSQL');
    const busy = (
      await openDatabase({ databaseUrl: url, dataDirectory: '', database: { poolSize: 1 } })
    ).connect('application');
    const holder = await busy.transaction();
    expect(isOutage(await caught(FIND.first(busy, { id: NOBODY })))).to.equal(true);
    await holder.rollback();
    await busy.destroy();

    const nowhere = await openDatabase({
      databaseUrl: 'postgres://postgres@127.0.0.1:1/x',
      dataDirectory: '',
    });
    const gone = nowhere.connect('application');
    expect(isOutage(await caught(FIND.first(gone, { id: NOBODY })))).to.equal(true);
    await gone.destroy();
  });
});
