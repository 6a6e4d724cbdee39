import { expect } from 'chai';
import type { Knex } from 'knex';
import { createEphemeralKeyRing } from '#crypto/key-ring.ts';
import { Sealer, SealBroken } from '#crypto/sealing.ts';
import { SIGNING_ALGORITHMS, SigningKeys } from '#crypto/signing-keys.ts';
import { movableClock } from '../../support/clocks.ts';
import { asOwner, describeOnEachDatabase, dumpTables } from '../../support/databases.ts';

const DAY = 86_400;
const PLAN = { publishAheadSeconds: DAY, keepSeconds: 30 * DAY };

describeOnEachDatabase('crypto/signing-keys', (current) => {
  const clock = movableClock();
  const sealer = new Sealer(createEphemeralKeyRing().only('signing_wrap'));
  let announced = 0;
  const announce = (transaction: Knex.Transaction) => {
    announced += transaction.isTransaction ? 1 : 0;
    return Promise.resolve();
  };
  let keys: SigningKeys;
  beforeEach(async () => {
    await current()
      .db('signing_keys')
      .update({ published_until: new Date(0), signs_from: new Date(0) });
    keys = new SigningKeys({ db: current().db, sealer, clock, announce });
    await keys.rotate({ publishAheadSeconds: 0, keepSeconds: 0 });
  });
  it('announces a rotation in its transaction', async () => {
    announced = 0;
    await keys.rotate(PLAN);
    expect(announced).to.equal(1);
  });

  const kids = async () => (await keys.published()).map(({ kid }) => kid);
  const signing = async () => (await kids()).slice(0, SIGNING_ALGORITHMS.length);

  it('publishes the next keys ahead, and they sign when their day comes', async () => {
    const first = await signing();
    await keys.rotate(PLAN);
    expect(await signing()).to.deep.equal(first);
    expect(await kids()).to.have.length(2 * SIGNING_ALGORITHMS.length);
    clock.advance(DAY);
    expect((await signing()).filter((kid) => first.includes(kid))).to.deep.equal([]);
    expect(await kids()).to.include.members(first);
    clock.advance(30 * DAY);
    expect(await kids()).to.have.length(SIGNING_ALGORITHMS.length);
  });

  it('lets keys that were only announced never sign after an immediate rotation', async () => {
    await keys.rotate(PLAN);
    await keys.rotate({ ...PLAN, publishAheadSeconds: 0 });
    const replaced = await signing();
    clock.advance(2 * DAY);
    expect(await signing()).to.deep.equal(replaced);
  });

  it('withdraws everything older when nothing is to be kept', async () => {
    await keys.rotate({ ...PLAN, publishAheadSeconds: 0 });
    await keys.rotate({ publishAheadSeconds: 0, keepSeconds: 1 });
    clock.advance(1);
    expect(await kids()).to.have.length(SIGNING_ALGORITHMS.length);
  });

  it('stores no private part in clear, and opens none under another key', async () => {
    const published = await keys.published();
    const dump = await dumpTables(current().db, ['signing_keys']);
    for (const { d } of published) expect(dump).not.to.include(d);
    const others = new Sealer(createEphemeralKeyRing().only('signing_wrap'));
    const stranger = new SigningKeys({ db: current().db, sealer: others, clock, announce });
    const opened = await stranger.published().catch((error: unknown) => error);
    expect(opened).to.be.instanceOf(SealBroken);
  });

  it('signs with one key of every algorithm, the newest first in each', async () => {
    await keys.rotate({ ...PLAN, publishAheadSeconds: 0 });
    const algorithms = (await keys.published()).map(({ alg }) => alg);
    expect(algorithms.slice(0, 4)).to.deep.equal([...SIGNING_ALGORITHMS]);
    expect(algorithms.slice(4).sort()).to.deep.equal([...SIGNING_ALGORITHMS].sort());
  });

  it('lets the very first keys sign at once, however far ahead keys are published', async () => {
    await asOwner(current(), (owner) => owner.raw('TRUNCATE signing_keys'));
    expect(await keys.rotate(PLAN)).to.deep.equal(clock.now());
  });
});
