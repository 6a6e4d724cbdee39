// Months are dropped as a whole, long-lived rows stay, and the chain still verifies.
import { expect } from 'chai';
import type { Knex } from 'knex';
import { AuditRetention, MonthBroken } from '#audit/retention.ts';
import { verifyAuditChain } from '#audit/verify.ts';
import { systemClock } from '#lib/clock.ts';
import { anAccountId, anAuditLog, anOrigin, type TestAuditLog } from '../../support/audit-logs.ts';
import { asOwner, describeOnEachDatabase, emptyAuditLog } from '../../support/databases.ts';
import { clockAt } from '../../support/clocks.ts';

const OLD = ['2022-01-01', '2022-02-01', '2022-03-01'] as const;
const settings = { auditDays: 180, longLivedAuditDays: 1096 };
const raw = (sql: string) => (owner: Knex) => owner.raw(sql);

describeOnEachDatabase('audit/retention', (current) => {
  let written: TestAuditLog;
  const verify = () => verifyAuditChain(current().db, written.keys);
  const retention = (changes: Partial<typeof settings> = {}) =>
    new AuditRetention({
      ...{ db: current().db, keys: written.keys, clock: systemClock },
      settings: { ...settings, ...changes },
    });
  const forever = { longLivedAuditDays: 100_000 };
  const rowsOf = async (month: string) =>
    await current()
      .db('audit_events')
      .where({ month })
      .orderBy('seq')
      .pluck('seq')
      .then((list) => list.map(Number));

  /** Five rows a month, the third one a consent; the present month has some as well. */
  beforeEach(async () => {
    await asOwner(current(), async (owner) => {
      await owner.raw(`UPDATE audit_head SET month = '0001-01-01'`);
      for (const kind of ['brief', 'long']) {
        for (const month of OLD) {
          await owner.raw(
            `DROP TABLE IF EXISTS audit_events_${kind}_${month.slice(0, 7).replace('-', '_')}`,
          );
        }
      }
    });
    await emptyAuditLog(current());
    written = anAuditLog(current().db, { clock: clockAt('2022-01-15T12:00:00+08:00') });
    for (const place of [0, 1, 2, 3]) {
      await written.recordMany(2);
      const consent = { accountId: anAccountId, clientId: 'a', scopes: [], claims: [] };
      await written.log.record('authz_consent_granted', consent, anOrigin);
      await written.recordMany(2);
      const month = OLD[place];
      if (month === undefined) continue;
      // Rows of another time: months are the database's, whatever the clock of the node says.
      await asOwner(current(), async (owner) => {
        await owner.raw(`UPDATE audit_events SET month = '${month}' WHERE seq > ${5 * place}`);
      });
    }
    await written.log.checkpoint();
    await current().db.raw('SELECT maintain_month_partitions(60)');
  });

  it('drops what is short-lived of old months, keeps the rest, and verifies', async () => {
    expect(await retention(forever).dropExpired()).to.equal(3);
    expect(await rowsOf('2022-01-01')).to.deep.equal([3]);
    expect(await rowsOf('2022-03-01')).to.deep.equal([13]);
    expect(await verify()).to.include({ ok: true, events: 20, dropped: 12 });
    expect(await retention(forever).dropExpired()).to.equal(0);
  });

  it('drops long-lived rows after three years, and verifies', async () => {
    expect(await retention().dropExpired()).to.equal(6);
    expect(await rowsOf('2022-01-01')).to.deep.equal([]);
    expect(await verify()).to.include({ ok: true, events: 20, dropped: 15 });
    await written.recordMany(3);
    expect(await verify()).to.include({ ok: true, events: 23 });
  });

  it('keeps what is young, even when the server’s role asks for it', async () => {
    expect(await retention({ auditDays: 100_000, ...forever }).dropExpired()).to.equal(0);
    const { rows } = await current().db.raw<{ rows: { month: string }[] }>(
      `SELECT to_char(now() AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-01') AS month`,
    );
    for (const isLong of [false, true]) {
      const refusal = await current()
        .db.raw('SELECT drop_audit_month(?, ?)', [rows[0]?.month ?? '', isLong])
        .then(() => 'dropped', String);
      expect(refusal).to.include('must still be kept');
    }
  });

  it('drops nothing that was not signed for', async () => {
    const refusal = await current()
      .db.raw(`SELECT drop_audit_month('2022-01-01', false)`)
      .then(() => 'dropped', String);
    expect(refusal).to.include('is not signed');
    expect(await rowsOf('2022-01-01')).to.have.length(5);
  });

  it('does not drop a month that was tampered with: it is evidence', async () => {
    await asOwner(current(), raw(`UPDATE audit_events SET address = 'x' WHERE seq = 7`));
    const error: unknown = await retention(forever)
      .dropExpired()
      .catch((cause: unknown) => cause);
    expect(error).to.be.instanceOf(MonthBroken);
    expect(String(error)).to.include('row 7 is bad');
    expect(await rowsOf('2022-02-01')).to.have.length(5);
  });

  it('does not drop a month that no checkpoint vouches for', async () => {
    await asOwner(current(), raw('TRUNCATE audit_checkpoints'));
    const error: unknown = await retention(forever)
      .dropExpired()
      .catch((cause: unknown) => cause);
    expect(error).to.be.instanceOf(MonthBroken);
  });

  const TAMPERINGS: [string, string, number, string][] = [
    ['a kept row changed', `UPDATE audit_events SET address = 'x' WHERE seq = 8`, 8, 'changed'],
    ['a kept row deleted', 'DELETE FROM audit_events WHERE seq = 8', 6, 'missing'],
    [
      'the record of a month deleted',
      `DELETE FROM audit_dropped_months WHERE month = '2022-02-01'`,
      6,
      'missing',
    ],
    [
      'the record of a month changed',
      `UPDATE audit_dropped_months SET kept_events = 0 WHERE month = '2022-02-01'`,
      6,
      'checkpoint_forged',
    ],
    ['all records deleted', 'DELETE FROM audit_dropped_months', 1, 'missing'],
    ['the first live row deleted', 'DELETE FROM audit_events WHERE seq = 16', 16, 'missing'],
    [
      'a mark taken off, so that a row goes too soon',
      'UPDATE audit_events SET is_long_lived = false WHERE seq = 18',
      18,
      'changed',
    ],
  ];
  for (const [what, sql, firstBadSeq, reason] of TAMPERINGS) {
    it(`names row ${firstBadSeq}: ${what}`, async () => {
      await retention(forever).dropExpired();
      await asOwner(current(), raw(sql));
      expect(await verify()).to.deep.equal({ ok: false, firstBadSeq, reason });
    });
  }

  it('does not accept a record that was signed for another month', async () => {
    await retention(forever).dropExpired();
    const copy = `UPDATE audit_dropped_months d SET signature = o.signature, kept_digest = o.kept_digest
      FROM audit_dropped_months o WHERE d.month = '2022-02-01' AND o.month = '2022-01-01'`;
    await asOwner(current(), raw(copy));
    expect(await verify()).to.include({ ok: false, reason: 'checkpoint_forged' });
  });
});
