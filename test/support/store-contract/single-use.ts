/** Store contract: what may be used once is used once, however many calls race (DESIGN §9.2). */
import { expect } from 'chai';
import type { RecordModel } from '#store/record-store.ts';
import { burst, count, newHandle, putGrant, type RecordStoreUnderTest } from './fixture.ts';

const USED_ONCE: readonly RecordModel[] = [
  'AuthorizationCode',
  'BackchannelAuthenticationRequest',
  'DeviceCode',
  'PushedAuthorizationRequest',
  'RefreshToken',
];

export function describeSingleUse(current: () => RecordStoreUnderTest) {
  for (const model of USED_ONCE) {
    it(`lets one of 50 concurrent calls use a ${model}`, async () => {
      const handle = newHandle();
      await current().stores[0].put(model, handle, { jti: handle }, 60);
      const outcomes = await burst(current().stores, (store) => store.consume(model, handle));
      expect(count(outcomes, 'used')).to.equal(1);
      expect(count(outcomes, 'already_used')).to.equal(49);
    });
  }

  it('says when a record was used, and does not let it live longer', async () => {
    const { stores, clock } = current();
    const handle = newHandle();
    await stores[0].put('RefreshToken', handle, { jti: handle }, 60);
    clock.advance(30);
    await stores[0].consume('RefreshToken', handle);
    const used = { jti: handle, consumed: clock.nowSeconds() };
    expect(await stores[0].find('RefreshToken', handle)).to.deep.equal(used);
    clock.advance(30);
    expect(await stores[0].find('RefreshToken', handle)).to.equal(undefined);
    expect(await stores[0].consume('RefreshToken', handle)).to.equal('absent');
  });

  it('keeps a used record used when a request that read it before saves it', async () => {
    const store = current().stores[0];
    const handle = newHandle();
    await store.put('DeviceCode', handle, { jti: handle }, 60);
    await store.consume('DeviceCode', handle);
    await store.put('DeviceCode', handle, { jti: handle, inFlight: true }, 60);
    expect(await store.consume('DeviceCode', handle)).to.equal('already_used');
  });

  it('calls a record absent that never was, is expired or lost its grant', async () => {
    const store = current().stores[0];
    const { grantId } = await putGrant(store);
    const [expired, ungranted] = [newHandle(), newHandle()];
    await store.put('AuthorizationCode', expired, {}, 10);
    await store.put('AuthorizationCode', ungranted, { grantId }, 60);
    await store.revokeGrant(grantId);
    current().clock.advance(10);
    for (const handle of [newHandle(), expired, ungranted]) {
      expect(await store.consume('AuthorizationCode', handle)).to.equal('absent');
    }
  });

  it('lets one of 50 concurrent calls take a replay mark, and again when it has passed', async () => {
    const { clock } = current();
    const value = newHandle();
    for (let round = 0; round < 2; round += 1) {
      const expiresAt = clock.nowSeconds() + 60;
      const taken = await burst(current().stores, (store) =>
        store.useOnce('dpop', value, expiresAt),
      );
      expect(count(taken, true)).to.equal(1);
      clock.advance(59);
      expect(await current().stores[0].useOnce('dpop', value, expiresAt + 60)).to.equal(false);
      clock.advance(1);
    }
  });

  it('keeps scopes of replay marks apart and takes none whose time has passed', async () => {
    const { stores, clock } = current();
    const value = newHandle();
    const soon = clock.nowSeconds() + 60;
    expect(await stores[0].useOnce('a', `b${value}`, soon)).to.equal(true);
    expect(await stores[0].useOnce('ab', value, soon)).to.equal(true);
    const passed = await burst(current().stores, (store) =>
      store.useOnce('c', value, clock.nowSeconds()),
    );
    expect(count(passed, true)).to.equal(0);
  });
}
