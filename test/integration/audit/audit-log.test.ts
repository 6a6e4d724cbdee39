import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { Knex } from 'knex';
import { AuditHeadForged } from '#audit/chain.ts';
import { verifyAuditChain } from '#audit/verify.ts';
import { AppError } from '#lib/errors.ts';
import { anAccountId, anAuditLog, anOrigin, recordOne } from '../../support/audit-logs.ts';
import {
  describeOnEachDatabase,
  describeOnPostgresql,
  emptyAuditLog,
} from '../../support/databases.ts';

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: unknown) => (error as { code?: string }).code,
  );
const count = async (db: Knex, table: string) => Number((await db(table).count())[0]?.['count']);

describeOnEachDatabase('audit/audit-log', (current) => {
  beforeEach(() => emptyAuditLog(current()));

  it('has stored an event when record() resolves, account and client in their columns', async () => {
    const { log } = anAuditLog(current().db);
    await log.record(
      'authz_consent_granted',
      { accountId: anAccountId, clientId: 'portal', scopes: ['openid', 'phone'], claims: [] },
      anOrigin,
    );
    const row = await current().db('audit_events').first<Record<string, unknown>>();
    expect(row).to.include({ event: 'authz_consent_granted', account_id: anAccountId });
    expect(row).to.include({ client_id: 'portal', address: '192.0.2.7', channel: 'web' });
    expect(row['details']).to.deep.equal({ scopes: ['openid', 'phone'], claims: [] });
  });

  it('chains events that are recorded at the same moment without a gap', async () => {
    const { keys, recordMany } = anAuditLog(current().db);
    await recordMany(700);
    const result = await verifyAuditChain(current().db, keys);
    expect(result).to.deep.include({ ok: true, events: 700 });
  });

  for (const table of ['audit_events', 'audit_checkpoints']) {
    for (const sql of [
      `UPDATE ${table} SET hash = hash`,
      `DELETE FROM ${table}`,
      `TRUNCATE ${table}`,
      `ALTER TABLE ${table} DISABLE TRIGGER ALL`,
    ]) {
      it(`refuses the application's role: ${sql}`, async () => {
        expect(await codeOf(current().db.raw(sql))).to.equal('42501');
      });
    }
  }

  it("refuses the application's role to remove or add a head", async () => {
    expect(await codeOf(current().db('audit_head').delete())).to.equal('42501');
    expect(await codeOf(current().db.raw('INSERT INTO audit_head DEFAULT VALUES'))).to.equal(
      '42501',
    );
  });

  it('writes inside the transaction given: rolled back, the row and its place are gone', async () => {
    const { log, keys } = anAuditLog(current().db);
    await recordOne(log);
    const rolledBack = current().db.transaction(async (transaction) => {
      await log.record('client_registered', { clientId: 'a' }, anOrigin, { transaction });
      throw new Error('the admin write failed');
    });
    expect(await codeOf(rolledBack)).to.not.equal('done');
    await current().db.transaction((transaction) =>
      log.record('client_registered', { clientId: 'b' }, anOrigin, { transaction }),
    );
    const clients: unknown = await current().db('audit_events').orderBy('seq').pluck('client_id');
    expect(clients).to.deep.equal([null, 'b']);
    expect(await verifyAuditChain(current().db, keys)).to.deep.include({ ok: true, events: 2 });
  });

  it('rejects, and leaves nothing of the transaction, when the row cannot be written', async () => {
    // Stands where the next event belongs, so that its insertion fails.
    await current().db.raw(
      `INSERT INTO audit_events SELECT 1, gen_random_uuid(), now(), 'x', NULL, NULL, '', '', '',
       'web', '{}', hash, hash, is_long_lived
       FROM audit_head, unnest(ARRAY[true, false]) AS is_long_lived`,
    );
    const { log } = anAuditLog(current().db);
    expect(await codeOf(recordOne(log))).to.equal('server.unavailable');
    const adminWrite = current().db.transaction(async (transaction) => {
      await transaction('audit_checkpoints').insert({
        seq: 77,
        hash: Buffer.alloc(32),
        signed_at: new Date(),
        key_id: 'x',
        signature: Buffer.alloc(64),
      });
      await log.record('client_registered', { clientId: 'a' }, anOrigin, { transaction });
    });
    expect(await codeOf(adminWrite)).to.equal('server.unavailable');
    expect(await count(current().db, 'audit_checkpoints')).to.equal(0);
  });

  it('stores what PostgreSQL cannot hold as replacement characters, and cuts long texts', async () => {
    const { log, keys } = anAuditLog(current().db);
    const origin = { ...anOrigin, userAgent: `\u0000\ud800${'长'.repeat(2000)}` };
    await log.record('client_registered', { clientId: 'a\u0000' }, origin);
    const row = await current().db('audit_events').first<Record<string, string>>();
    expect(row['client_id']).to.equal('a\ufffd');
    expect(row['user_agent']).to.have.length(512);
    expect(await verifyAuditChain(current().db, keys)).to.include({ ok: true });
  });

  it('refuses a malformed account id without disturbing the events beside it', async () => {
    const { log } = anAuditLog(current().db);
    const wrong = log.record('authz_consent_denied', { accountId: '1', clientId: 'a' }, anOrigin);
    const right = recordOne(log);
    expect(await wrong.catch((error: unknown) => error)).to.be.instanceOf(TypeError);
    await right;
  });

  it('does not write on behind a head that someone else moved', async () => {
    const { log } = anAuditLog(current().db);
    await recordOne(log);
    await current()
      .db('audit_head')
      .update({ hash: Buffer.alloc(32, 7) });
    const failure = await recordOne(log).catch((error: unknown) => error);
    expect(failure).to.include({ code: 'server.unavailable', status: 503 });
    expect((failure as Error).cause).to.be.instanceOf(AuditHeadForged);
  });

  it('signs the end of the chain at close, once, and reports it', async () => {
    const { log, keys, signed, recordMany } = anAuditLog(current().db);
    await recordMany(3);
    await log.close();
    await anAuditLog(current().db, { keys }).log.close();
    expect(signed.map(({ seq }) => seq)).to.deep.equal([3]);
    expect(await count(current().db, 'audit_checkpoints')).to.equal(1);
  });

  it('finishes what it took before close(), and refuses what comes after', async () => {
    const { log, recordMany, signed } = anAuditLog(current().db);
    const taken = recordMany(20);
    const closed = log.close();
    const late = await recordOne(log).catch((error: unknown) => error);
    await Promise.all([taken, closed]);
    expect(late).to.be.instanceOf(AppError).with.property('status', 503);
    expect(signed[0]?.seq).to.equal(20);
  });

  it('signs when the chain passes a multiple of checkpointEvents', async () => {
    const settings = { checkpointSeconds: 3600, checkpointEvents: 10 };
    const { log, signed, recordMany } = anAuditLog(current().db, { settings });
    await recordMany(9);
    await sleep(50);
    expect(signed).to.have.length(0);
    await current().db.transaction((transaction) =>
      log.record('client_registered', { clientId: 'a' }, anOrigin, { transaction }),
    );
    await sleep(200);
    expect(signed.map(({ seq }) => seq)).to.deep.equal([10]);
  });

  it('signs at most checkpointSeconds after an event', async () => {
    const settings = { checkpointSeconds: 1, checkpointEvents: 1000 };
    const { log, signed } = anAuditLog(current().db, { settings });
    await recordOne(log);
    await sleep(1300);
    expect(signed.map(({ seq }) => seq)).to.deep.equal([1]);
  });

  it('refuses with 503 instead of queueing without bound', async () => {
    const { log } = anAuditLog(current().db);
    const outcomes = await Promise.allSettled(Array.from({ length: 4200 }, () => recordOne(log)));
    const refused = outcomes.filter(({ status }) => status === 'rejected');
    expect(refused.length).to.be.within(1, 104);
    expect(await count(current().db, 'audit_events')).to.equal(4200 - refused.length);
  });
});

describeOnPostgresql('audit/audit-log, two processes', (current) => {
  it('keeps one gapless chain when two pools write 500 events at the same time', async () => {
    const other = current().engine.connect('application');
    try {
      const first = anAuditLog(current().db);
      const second = anAuditLog(other, { keys: first.keys });
      await Promise.all([first.recordMany(250), second.recordMany(250)]);
      const result = await verifyAuditChain(other, first.keys);
      expect(result).to.deep.include({ ok: true, events: 500 });
    } finally {
      await other.destroy();
    }
  });
});
