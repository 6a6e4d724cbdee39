import { expect } from 'chai';
import { UNKNOWN_DEVICE } from '#sign-in/attempt-ledger.ts';
import { KnownDevices } from '#sign-in/known-devices.ts';
import { movableClock } from '../../support/clocks.ts';
import { describeOnEachDatabase, type TestDatabase } from '../../support/databases.ts';

let accounts = 0;
async function anAccount({ db }: TestDatabase): Promise<string> {
  const id = `0197a000-0000-7000-8000-${String(++accounts).padStart(12, '0')}`;
  const now = new Date();
  await db('accounts').insert({ id, channel: 'web', created_at: now, updated_at: now });
  return id;
}
const theDevices = ({ db }: TestDatabase) => {
  const clock = movableClock();
  return { clock, devices: new KnownDevices({ db, clock, knownDeviceDays: 365 }) };
};

describeOnEachDatabase('sign-in/known-devices', (current) => {
  it('knows a device for the account that signed in from it, and for no other', async () => {
    const { devices } = theDevices(current());
    const [mine, other] = [await anAccount(current()), await anAccount(current())];
    await devices.remember(mine, 'handle');
    expect(await devices.isKnown(mine, 'handle')).to.equal(true);
    expect(await devices.isKnown(mine, 'another')).to.equal(false);
    expect(await devices.isKnown(other, 'handle')).to.equal(false);
  });

  it('gives each known device a bucket of its own, all others the shared one', async () => {
    const { devices } = theDevices(current());
    const account = await anAccount(current());
    await devices.remember(account, 'laptop');
    await devices.remember(account, 'phone');
    const laptop = await devices.bucketOf(account, 'laptop');
    await devices.remember(account, 'laptop');
    expect(await devices.bucketOf(account, 'laptop')).to.equal(laptop);
    expect(await devices.bucketOf(account, 'phone')).to.not.be.oneOf([laptop, UNKNOWN_DEVICE]);
    expect(await devices.bucketOf(account, 'stolen')).to.equal(UNKNOWN_DEVICE);
    expect(await devices.bucketOf(account, undefined)).to.equal(UNKNOWN_DEVICE);
    expect(await devices.bucketOf(undefined, 'laptop')).to.equal(UNKNOWN_DEVICE);
  });

  it('forgets a device a year after its last sign-in', async () => {
    const { devices, clock } = theDevices(current());
    const account = await anAccount(current());
    await devices.remember(account, 'handle');
    clock.advance(300 * 86_400);
    await devices.remember(account, 'handle');
    clock.advance(365 * 86_400 - 1);
    expect(await devices.isKnown(account, 'handle')).to.equal(true);
    clock.advance(1);
    expect(await devices.isKnown(account, 'handle')).to.equal(false);
    expect(await devices.sweep()).to.be.greaterThan(0);
  });

  it('keeps the twenty devices used last', async () => {
    const { devices, clock } = theDevices(current());
    const account = await anAccount(current());
    for (let i = 0; i < 21; i++) {
      await devices.remember(account, `device-${i}`);
      clock.advance(60);
      if (i === 10) await devices.remember(account, 'device-0');
    }
    expect(await devices.isKnown(account, 'device-0')).to.equal(true);
    expect(await devices.isKnown(account, 'device-1')).to.equal(false);
    expect(await devices.isKnown(account, 'device-2')).to.equal(true);
    expect(await current().db('known_devices').where({ account_id: account })).to.have.length(20);
  });

  it('does not store the handle', async () => {
    const { devices } = theDevices(current());
    const account = await anAccount(current());
    await devices.remember(account, 'the-cookie-value');
    const rows: unknown = await current().db.raw('SELECT known_devices::text FROM known_devices');
    expect(JSON.stringify(rows)).to.not.contain('the-cookie-value');
  });
});
