import { expect } from 'chai';
import type { Knex } from 'knex';
import { verifyAuditChain } from '#audit/verify.ts';
import { statement } from '#store/statement.ts';
import { anAccountId, anAuditLog, anOrigin, recordOne } from '../../support/audit-logs.ts';
import {
  describeOnEachDatabase,
  describeOnPostgresql,
  emptyAuditLog,
} from '../../support/databases.ts';

const MARK = statement<{ hash: Buffer }>(
  'test.mark',
  "INSERT INTO replay_marks (mark_hash, expires_at) VALUES (:hash, '2100-01-01Z')",
);
const mark = (n: number) => Buffer.alloc(32, n);
const event = {
  name: 'authn_login_fail',
  details: { accountId: anAccountId, method: 'password', reason: 'wrong_answer' },
} as const;

/** Sets a mark and records an event, or fails when the mark is there. */
const marking = (n: number, key = String(n)) => ({
  key,
  origin: anOrigin,
  make: async (transaction: Knex) => {
    await MARK.count(transaction, { hash: mark(n) });
    return { result: n, events: [event] };
  },
});

const marks = async (db: Knex) =>
  (await db<{ mark_hash: Buffer }>('replay_marks').pluck('mark_hash')).map((hash) => hash[0]);
const events = async (db: Knex) => Number((await db('audit_events').count())[0]?.['count']);
const writtenIn = async (db: Knex, table: string) =>
  (await db(table).distinct(db.raw('CAST(xmin AS text) AS xmin'))).length;

describeOnEachDatabase('audit/audit-log, changes', (current) => {
  beforeEach(async () => {
    await current().db('replay_marks').delete();
    await emptyAuditLog(current());
  });

  it('writes a change and its events together, and gives its result', async () => {
    const { db } = current();
    const { log, keys } = anAuditLog(db);
    expect(await log.change(marking(7))).to.equal(7);
    expect(await marks(db)).to.deep.equal([7]);
    expect(await verifyAuditChain(db, keys)).to.include({ ok: true, events: 1 });
  });

  it('leaves neither when the change fails, and does the others of the same moment', async () => {
    const { db } = current();
    const { log, keys } = anAuditLog(db);
    await log.change(marking(1));
    const outcomes = await Promise.allSettled([
      ...[2, 1, 3].map((n) => log.change(marking(n))),
      recordOne(log),
    ]);
    expect(outcomes.map(({ status }) => status)).to.deep.equal([
      ...['fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
    ]);
    expect(outcomes[1]).to.have.nested.property('reason.code', 'server.unavailable');
    expect((await marks(db)).sort()).to.deep.equal([1, 2, 3]);
    expect(await verifyAuditChain(db, keys)).to.include({ ok: true, events: 4 });
  });

  it('leaves no change when the event cannot be written', async () => {
    const { db } = current();
    await recordOne(anAuditLog(db).log);
    const { log } = anAuditLog(db); // other keys: the head is not theirs
    const failure = await log.change(marking(1)).catch((error: unknown) => error);
    expect(failure).to.include({ code: 'server.unavailable' });
    expect(await marks(db)).to.deep.equal([]);
  });

  it('shares one commit among changes and events of the same moment', async () => {
    const { db } = current();
    const { log } = anAuditLog(db);
    await Promise.all([...[1, 2, 3, 4, 5].map((n) => log.change(marking(n))), recordOne(log)]);
    expect(await writtenIn(db, 'replay_marks')).to.equal(1);
    expect(await writtenIn(db, 'audit_events')).to.equal(1);
  });

  it('makes the changes of one commit in the order of their keys', async () => {
    const { db } = current();
    const { log } = anAuditLog(db);
    const made: string[] = [];
    const noting = (key: string) => ({
      key,
      origin: anOrigin,
      make: () => Promise.resolve({ result: made.push(key), events: [event] }),
    });
    await Promise.all(['c', 'a', 'b'].map((key) => log.change(noting(key))));
    expect(made).to.deep.equal(['a', 'b', 'c']);
  });

  it('commits a change that gives no event', async () => {
    const { db } = current();
    const { log } = anAuditLog(db);
    const { make, ...rest } = marking(1);
    await log.change({ ...rest, make: async (db) => ({ ...(await make(db)), events: [] }) });
    expect(await marks(db)).to.deep.equal([1]);
    expect(await events(db)).to.equal(0);
  });
});

describeOnPostgresql('audit/audit-log, one statement per write', (current) => {
  it('takes turns with other processes without a gap or a fork', async () => {
    const { db } = current();
    const first = anAuditLog(db);
    const second = anAuditLog(db, { keys: first.keys });
    for (let round = 0; round < 5; round += 1) {
      for (let n = 0; n < 4; n += 1) await recordOne(first.log);
      await Promise.all([
        first.recordMany(20),
        second.recordMany(20),
        second.log.change(marking(round)),
      ]);
      await recordOne(second.log);
    }
    expect(await verifyAuditChain(db, first.keys)).to.include({ ok: true, events: 5 * 46 });
  });

  it('notices a forged head even when nobody else has written for long', async () => {
    const { db } = current();
    await emptyAuditLog(current());
    const { log } = anAuditLog(db);
    for (let n = 0; n < 5; n += 1) await recordOne(log);
    await db('audit_head').update({ hash: mark(7) });
    const failure = await recordOne(log).catch((error: unknown) => error);
    expect(failure).to.include({ code: 'server.unavailable' });
    expect(await events(db)).to.equal(5);
  });
});
