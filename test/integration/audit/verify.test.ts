// ABUSE-CASES D-07: every kind of tampering, done as the tables' owner, names the right row.
import { expect } from 'chai';
import type { Knex } from 'knex';
import { readChain } from '#audit/chain.ts';
import type { Checkpoint } from '#audit/chain-keys.ts';
import { hashOf } from '#audit/event-row.ts';
import { verifyAuditChain } from '#audit/verify.ts';
import { createEphemeralKeyRing, KeyRing } from '#crypto/key-ring.ts';
import { anAuditLog, type TestAuditLog } from '../../support/audit-logs.ts';
import { asOwner, describeOnEachDatabase, emptyAuditLog } from '../../support/databases.ts';

const raw = (sql: string) => (owner: Knex) => owner.raw(sql);

/** Moves the rows from `first` on by one place, over a free range so that no two collide. */
const shiftUp = (first: number) => async (owner: Knex) => {
  await owner.raw(`UPDATE audit_events SET seq = seq + 1000 WHERE seq >= ${first}`);
  await owner.raw('UPDATE audit_events SET seq = seq - 999 WHERE seq > 1000');
};
const shiftDown = (first: number) => async (owner: Knex) => {
  await owner.raw(`UPDATE audit_events SET seq = seq + 1000 WHERE seq >= ${first}`);
  await owner.raw('UPDATE audit_events SET seq = seq - 1001 WHERE seq > 1000');
};
const swap = (one: number, other: number) => async (owner: Knex) => {
  await owner.raw(`UPDATE audit_events SET seq = 1000 WHERE seq = ${one}`);
  await owner.raw(`UPDATE audit_events SET seq = ${one} WHERE seq = ${other}`);
  await owner.raw(`UPDATE audit_events SET seq = ${other} WHERE seq = 1000`);
};
const moveHeadBy = (step: number) => raw(`UPDATE audit_head SET seq = seq + ${step}`);

/** Changes a row and recomputes hashes from it on, as someone who read event-row.ts would. */
const rewrite = (first: number, last: number) => async (owner: Knex) => {
  const rows = await readChain(owner, { after: first - 1, upTo: last, limit: 100 });
  let previous = rows[0]?.prevHash ?? Buffer.alloc(32);
  for (const row of rows) {
    const forged = { ...row, clientId: 'forged', prevHash: previous };
    const hash = hashOf(forged);
    await owner('audit_events')
      .where({ seq: row.seq })
      .update({ client_id: 'forged', prev_hash: previous, hash });
    previous = hash;
  }
};
const inOrder =
  (...steps: ((owner: Knex) => Promise<unknown>)[]) =>
  async (owner: Knex) => {
    for (const step of steps) await step(owner);
  };
const insertAt = (seq: number) =>
  raw(
    `INSERT INTO audit_events SELECT ${seq}, gen_random_uuid(), occurred_at, event, account_id,
     client_id, request_id, address, user_agent, channel, details, hash, hash
     FROM audit_events WHERE seq = ${seq - 1}`,
  );

// A chain of 20 rows with checkpoints at 5 and 10.
const TAMPERINGS: [string, (owner: Knex) => Promise<unknown>, number, string][] = [
  ...['event', 'client_id', 'request_id', 'address', 'user_agent', 'channel'].map(
    (column): [string, (owner: Knex) => Promise<unknown>, number, string] => [
      `${column} changed`,
      raw(`UPDATE audit_events SET ${column} = 'x' WHERE seq = 7`),
      7,
      'changed',
    ],
  ),
  [
    'account removed',
    raw('UPDATE audit_events SET account_id = NULL WHERE seq = 12'),
    12,
    'changed',
  ],
  [
    'time moved by a millisecond',
    raw(`UPDATE audit_events SET occurred_at = occurred_at + interval '1 ms' WHERE seq = 7`),
    7,
    'changed',
  ],
  [
    'time set to infinity',
    raw(`UPDATE audit_events SET occurred_at = 'infinity' WHERE seq = 7`),
    7,
    'changed',
  ],
  [
    'a detail changed',
    raw(`UPDATE audit_events SET details = details || '{"reason":"x"}' WHERE seq = 1`),
    1,
    'changed',
  ],
  [
    'a detail added',
    raw(`UPDATE audit_events SET details = details || '{"a":1}' WHERE seq = 20`),
    20,
    'changed',
  ],
  [
    'the id changed',
    raw('UPDATE audit_events SET id = gen_random_uuid() WHERE seq = 3'),
    3,
    'changed',
  ],
  [
    'the link changed',
    raw(`UPDATE audit_events SET prev_hash = sha256('x') WHERE seq = 7`),
    7,
    'changed',
  ],
  [
    'the hash changed',
    raw(`UPDATE audit_events SET hash = sha256('x') WHERE seq = 7`),
    7,
    'changed',
  ],
  ['a row changed and its hash recomputed', rewrite(7, 7), 7, 'changed'],
  ['the last row changed and its hash recomputed', rewrite(20, 20), 20, 'changed'],
  ['a signed row changed and its hash recomputed', rewrite(10, 10), 6, 'rewritten'],
  ['everything rewritten from 7 to the end', rewrite(7, 20), 6, 'rewritten'],
  ['everything rewritten from 12 to the end', rewrite(12, 20), 20, 'changed'],
  [
    'everything rewritten from 12 to the end, and the head',
    inOrder(
      rewrite(12, 20),
      raw('UPDATE audit_head SET hash = (SELECT hash FROM audit_events WHERE seq = 20)'),
    ),
    11,
    'head_forged',
  ],
  ['a row deleted', raw('DELETE FROM audit_events WHERE seq = 7'), 7, 'missing'],
  ['the first row deleted', raw('DELETE FROM audit_events WHERE seq = 1'), 1, 'missing'],
  ['the last row deleted', raw('DELETE FROM audit_events WHERE seq = 20'), 20, 'missing'],
  ['the beginning cut off', raw('DELETE FROM audit_events WHERE seq <= 6'), 1, 'missing'],
  ['the end cut off', raw('DELETE FROM audit_events WHERE seq > 15'), 16, 'missing'],
  ['all rows deleted', raw('TRUNCATE audit_events'), 1, 'missing'],
  [
    'a row deleted and the rest moved up',
    inOrder(raw('DELETE FROM audit_events WHERE seq = 12'), shiftDown(13), moveHeadBy(-1)),
    12,
    'changed',
  ],
  ['a row added at the end', insertAt(21), 21, 'changed'],
  ['a consistent row added at the end', inOrder(insertAt(21), rewrite(21, 21)), 21, 'inserted'],
  [
    'a row inserted and the rest moved down',
    inOrder(shiftUp(12), insertAt(12), moveHeadBy(1)),
    12,
    'changed',
  ],
  [
    'a consistent row inserted and the rest moved down',
    inOrder(shiftUp(12), insertAt(12), rewrite(12, 12), moveHeadBy(1)),
    12,
    'inserted',
  ],
  ['two neighbours swapped', swap(7, 8), 7, 'changed'],
  ['two distant rows swapped', swap(4, 17), 4, 'changed'],
  ['the head’s mac changed', raw(`UPDATE audit_head SET mac = sha256('x')`), 11, 'head_forged'],
  ['the head deleted', raw('DELETE FROM audit_head'), 11, 'head_forged'],
  ['the head set forward', moveHeadBy(1), 11, 'head_forged'],
  [
    'the head set back to the beginning',
    raw(`UPDATE audit_head SET seq = 0, hash = decode(repeat('00', 32), 'hex'), mac = ''`),
    11,
    'head_forged',
  ],
  [
    'a checkpoint’s hash changed',
    raw(`UPDATE audit_checkpoints SET hash = sha256('x') WHERE seq = 5`),
    5,
    'checkpoint_forged',
  ],
  [
    'a checkpoint’s time changed',
    raw(`UPDATE audit_checkpoints SET signed_at = 'infinity' WHERE seq = 10`),
    10,
    'checkpoint_forged',
  ],
];

describeOnEachDatabase('audit/verify', (current) => {
  let written: TestAuditLog;
  const verify = (anchors: readonly Checkpoint[] = []) =>
    verifyAuditChain(current().db, written.keys, anchors);

  beforeEach(async () => {
    await emptyAuditLog(current());
    written = anAuditLog(current().db);
    for (const count of [5, 5]) {
      await written.recordMany(count);
      await written.log.checkpoint();
    }
    await written.recordMany(10);
  });

  it('accepts what was written, and says where it ends', async () => {
    const head = await current().db('audit_head').first<{ hash: Buffer }>();
    expect(await verify(written.signed)).to.deep.equal({
      ok: true,
      events: 20,
      dropped: 0,
      head: { seq: 20, hash: head.hash },
    });
  });

  it('accepts the empty chain', async () => {
    await emptyAuditLog(current());
    expect(await verify()).to.deep.include({ ok: true, events: 0 });
  });

  for (const [what, tamper, firstBadSeq, reason] of TAMPERINGS) {
    it(`names row ${firstBadSeq}: ${what}`, async () => {
      await asOwner(current(), tamper);
      const result = await verify();
      await restoreHead();
      expect(result).to.deep.equal({ ok: false, firstBadSeq, reason });
    });
  }

  it('names the first row that is gone after the chain was set back with its head', async () => {
    const head = await current().db('audit_head').first<Record<string, unknown>>();
    await written.recordMany(5);
    const anchor = await written.log.checkpoint();
    await asOwner(current(), async (owner) => {
      await owner('audit_head').update(head);
      await owner('audit_events').where('seq', '>', 20).delete();
    });
    expect(await verify()).to.deep.equal({ ok: false, firstBadSeq: 21, reason: 'missing' });

    await asOwner(current(), (owner) => owner('audit_checkpoints').where({ seq: 25 }).delete());
    expect(await verify()).to.include({ ok: true }); // nothing inside the database tells it any more
    expect(await verify(anchor ? [anchor] : [])).to.include({ ok: false, firstBadSeq: 21 });
  });

  it('tells a number from another spelling of it', async () => {
    await emptyAuditLog(current());
    await written.log.record(
      'authn_login_lock',
      { accountId: undefined, method: 'password', device: 'unknown', lockedForSeconds: 30 },
      { requestId: '', address: '', userAgent: '', channel: 'web' },
    );
    expect(await verify()).to.include({ ok: true });
    const sql = `UPDATE audit_events SET details = jsonb_set(details, '{lockedForSeconds}', '30.0')`;
    await asOwner(current(), raw(sql));
    expect(await verify()).to.include({ ok: false, firstBadSeq: 1 });
  });

  it('does not take another installation’s chain for its own', async () => {
    const result = await verifyAuditChain(current().db, createEphemeralKeyRing().only('audit'));
    expect(result).to.deep.equal({ ok: false, firstBadSeq: 5, reason: 'checkpoint_forged' });
  });

  it('accepts rows signed under a key that was replaced since', async () => {
    const newer = createEphemeralKeyRing().current('audit');
    const keys = new KeyRing(new Map([['audit', [newer, ...written.keys.all()]]])).only('audit');
    expect(await verifyAuditChain(current().db, keys)).to.include({ ok: true });
    await anAuditLog(current().db, { keys }).recordMany(1);
    expect(await verifyAuditChain(current().db, keys)).to.include({ ok: true, events: 21 });
  });

  it('reads on past a thousand rows', async () => {
    await written.recordMany(2100);
    expect(await verify()).to.include({ ok: true, events: 2120 });
    await asOwner(current(), raw(`UPDATE audit_events SET event = 'x' WHERE seq = 2050`));
    expect(await verify()).to.include({ ok: false, firstBadSeq: 2050 });
  });

  /** For the case that deletes the head: the next one needs a row to set back. */
  const restoreHead = () =>
    asOwner(
      current(),
      raw(`INSERT INTO audit_head (seq, hash, mac) VALUES (0, '', '') ON CONFLICT DO NOTHING`),
    );
});
