import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import knex, { type Knex } from 'knex';
import { BlindIndex } from '#crypto/blind-index.ts';
import { createEphemeralKeyRing } from '#crypto/key-ring.ts';
import { AddressLimits, type AddressLimitsOptions, type Taken } from '#http/address-limits.ts';
import { systemClock } from '#lib/clock.ts';
import { describeOnEachDatabase, describeOnPostgresql } from '../../support/databases.ts';

const index = new BlindIndex(createEphemeralKeyRing().only('index'));
const limitsOn = (db: Knex, changes: Partial<AddressLimitsOptions> = {}) =>
  new AddressLimits({
    db,
    clock: systemClock,
    index,
    settings: { signInsPerAddress: 20, requestsPerAddress: 300 },
    ...changes,
  });
const successes = (taken: readonly Taken[]) => taken.filter(({ ok }) => ok).length;

describeOnEachDatabase('http/address-limits', (current) => {
  beforeEach(() => current().db('address_limits').delete());

  it('A-06: counts every spelling of an address, and its whole /64, as one', async () => {
    const limits = limitsOn(current().db);
    const spellings = ['192.0.2.1', '::ffff:192.0.2.1', '::ffff:c000:201', '64:ff9b::c000:201'];
    const results: Taken[] = [];
    for (let i = 0; i < 24; i++) {
      results.push(await limits.take('sign_in', spellings[i % 4] ?? ''));
    }
    expect(successes(results)).to.equal(20);

    const inOneBlock = Array.from({ length: 30 }, (_, i) => `2001:db8::${i.toString(16)}`);
    const taken = await Promise.all(inOneBlock.map((address) => limits.take('sign_in', address)));
    expect(successes(taken)).to.equal(20);
  });

  it('says when the window is over, and takes again then', async () => {
    const windowSeconds = { sign_in: 1, request: 1 };
    const settings = { signInsPerAddress: 1, requestsPerAddress: 1 };
    const limits = limitsOn(current().db, { windowSeconds, settings });
    await limits.take('sign_in', '192.0.2.1');
    expect(await limits.take('sign_in', '192.0.2.1')).to.deep.equal({
      ...{ ok: false, retryAfterSeconds: 1 },
    });
    await sleep(1050);
    expect(await limits.take('sign_in', '192.0.2.1')).to.deep.equal({ ok: true });
  });

  it('keeps limits and addresses apart', async () => {
    const settings = { signInsPerAddress: 1, requestsPerAddress: 1 };
    const limits = limitsOn(current().db, { settings });
    await limits.take('sign_in', '192.0.2.1');
    expect(await limits.take('request', '192.0.2.1')).to.deep.equal({ ok: true });
    expect(await limits.take('sign_in', '192.0.2.2')).to.deep.equal({ ok: true });
  });

  it('remembers across processes: what one refused, another refuses', async () => {
    await Promise.all(Array.from({ length: 20 }, () => limitsOn(current().db).take('sign_in', '')));
    const refusal = await limitsOn(current().db).take('sign_in', '');
    expect(refusal)
      .to.include({ ok: false })
      .and.to.have.property('retryAfterSeconds')
      .within(50, 60);
  });

  it('stores no address', async () => {
    await limitsOn(current().db).take('request', '192.0.2.1');
    const keys: unknown = await current().db('address_limits').pluck('key');
    expect(JSON.stringify(keys)).to.not.contain('192.0');
  });

  it('sweeps windows that are over, and no others', async () => {
    const windowSeconds = { sign_in: 1, request: 60 };
    const limits = limitsOn(current().db, { windowSeconds });
    await limits.take('sign_in', '192.0.2.1');
    await limits.take('request', '192.0.2.1');
    await sleep(1050);
    expect(await limits.sweep()).to.equal(1);
    expect(await limits.sweep()).to.equal(0);
  });

  it('refuses nothing where limits are lifted', async () => {
    const limits = limitsOn(current().db, { lifted: true });
    const many = await Promise.all(Array.from({ length: 50 }, () => limits.take('sign_in', '')));
    expect(successes(many)).to.equal(50);
  });
});

describe('http/address-limits, without its database', () => {
  it('throws instead of letting through', async () => {
    const nowhere = knex({ client: 'pg', connection: 'postgres://nobody@127.0.0.1:1/none' });
    const error = await limitsOn(nowhere)
      .take('sign_in', '192.0.2.1')
      .catch((reason: unknown) => reason);
    await nowhere.destroy();
    expect(error).to.have.property('code', 'ECONNREFUSED');
  });
});

describeOnPostgresql('http/address-limits, two processes', (current) => {
  it('lets exactly 20 of 30 through when two pools take at the same time', async () => {
    const otherPool = current().engine.connect('application');
    try {
      const pair = [limitsOn(current().db), limitsOn(otherPool)] as const;
      const taken = await Promise.all(
        Array.from({ length: 30 }, (_, i) =>
          (i % 2 === 0 ? pair[0] : pair[1]).take('sign_in', '192.0.2.1'),
        ),
      );
      expect(successes(taken)).to.equal(20);
    } finally {
      await otherPool.destroy();
    }
  });
});
