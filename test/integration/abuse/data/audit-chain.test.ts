// ABUSE-CASES D-07: `audit verify` names the first bad row. Every kind of change to every column is
// in test/integration/audit/verify.test.ts; this is what an operator sees.
import { expect } from 'chai';
import type { Knex } from 'knex';
import { runOn } from '../../../support/commands.ts';
import { asOwner, describeOnPostgresql } from '../../../support/databases.ts';
import {
  authorizationRequest,
  enterPassword,
  personAt,
  signInAt,
} from '../../../support/person.ts';
import { aCitizen, aSite, startTestServer, type TestServer } from '../../../support/test-server.ts';

const statements =
  (...list: readonly string[]) =>
  async (owner: Knex) => {
    for (const sql of list) await owner.raw(sql);
  };

const TAMPERINGS: readonly [string, (owner: Knex) => Promise<void>, number][] = [
  [
    'a row changed',
    statements(`UPDATE audit_events SET details = '{"reason":"expired"}' WHERE seq = 3`),
    3,
  ],
  ['a row deleted', statements('DELETE FROM audit_events WHERE seq = 4'), 4],
  [
    'a row inserted',
    statements(
      'UPDATE audit_events SET seq = seq + 1000 WHERE seq >= 3',
      'UPDATE audit_events SET seq = seq - 999 WHERE seq > 1000',
      `INSERT INTO audit_events SELECT 3, gen_random_uuid(), occurred_at, event, account_id,
       client_id, request_id, address, user_agent, channel, details, hash, hash
       FROM audit_events WHERE seq = 2`,
    ),
    3,
  ],
  [
    'two rows swapped',
    statements(
      'UPDATE audit_events SET seq = 1000 WHERE seq = 2',
      'UPDATE audit_events SET seq = 2 WHERE seq = 5',
      'UPDATE audit_events SET seq = 5 WHERE seq = 1000',
    ),
    2,
  ],
  ['the end cut off', statements('DELETE FROM audit_events WHERE seq > 4'), 5],
  [
    'the end cut off and the head moved back',
    statements(
      'DELETE FROM audit_events WHERE seq > 4',
      'UPDATE audit_head SET seq = 4, hash = (SELECT hash FROM audit_events WHERE seq = 4)',
    ),
    // No checkpoint was signed yet: nothing vouches for any row.
    1,
  ],
  ['everything deleted', statements('TRUNCATE audit_events'), 1],
];

describeOnPostgresql('abuse/data: the audit chain', (current) => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer(current());
    const [site, citizen] = [await aSite(server), await aCitizen(server)];
    await signInAt(personAt(server), citizen, authorizationRequest(server, site));
    const browser = personAt(server);
    const page = await browser.open(authorizationRequest(server, site).url);
    for (let attempt = 0; attempt < 4; attempt += 1) {
      await enterPassword(browser, page, { ...citizen, password: 'Wrong-Guess-1' });
    }
  });
  after(() => server.stop());

  const verify = () => runOn(server, current(), 'audit', 'verify');

  it('D-07 finds an untouched chain whole', async () => {
    expect(await verify()).to.deep.equal({
      exitCode: 0,
      output: 'The audit chain is whole: 6 events.',
    });
  });

  for (const [what, tamper, firstBadSeq] of TAMPERINGS) {
    it(`D-07 names the first bad row: ${what}`, async () => {
      await asOwner(current(), async (owner) => {
        await owner.raw('CREATE TABLE kept_events AS SELECT * FROM audit_events');
        await owner.raw('CREATE TABLE kept_head AS SELECT * FROM audit_head');
        await tamper(owner);
      });
      const { exitCode, output } = await verify();
      await asOwner(current(), async (owner) => {
        await owner.raw('TRUNCATE audit_events, audit_head');
        await owner.raw('INSERT INTO audit_events SELECT * FROM kept_events');
        await owner.raw('INSERT INTO audit_head SELECT * FROM kept_head');
        await owner.raw('DROP TABLE kept_events, kept_head');
      });
      expect(exitCode).to.equal(1);
      expect(output).to.match(new RegExp(`broken at row ${firstBadSeq}: [a-z_]+$`));
      expect((await verify()).exitCode).to.equal(0);
    });
  }

  for (const sql of [
    `UPDATE audit_events SET event = 'x'`,
    'DELETE FROM audit_events',
    'TRUNCATE audit_events',
    'DELETE FROM audit_head',
    'DELETE FROM audit_checkpoints',
    'DROP TABLE audit_events',
  ]) {
    it(`D-07 refuses the application's role: ${sql}`, async () => {
      const code = await current()
        .db.raw(sql)
        .then(
          () => 'allowed',
          (error: unknown) => (error as { code?: string }).code,
        );
      expect(code).to.equal('42501');
    });
  }
});
