/** Store contract: a grant is the switch of everything that names it, and stays off. */
import { expect } from 'chai';
import type { Payload, RecordModel, RecordStore } from '#store/record-store.ts';
import { burst, count, MODELS, newHandle, putGrant, type RecordStoreUnderTest } from './fixture.ts';

const GRANT_BOUND = MODELS.filter((model) => model !== 'Grant' && model !== 'Interaction');
export function describeGrants(current: () => RecordStoreUnderTest) {
  const bound = async (store: RecordStore, grantId: string) => {
    const records: (readonly [RecordModel, string, Payload])[] = GRANT_BOUND.map((model) => [
      model,
      newHandle(),
      { grantId, userCode: newHandle() },
    ]);
    for (const [model, handle, payload] of records) await store.put(model, handle, payload, 60);
    return records;
  };

  it('finds nothing that names a revoked grant, and everything that names another', async () => {
    const store = current().stores[0];
    const [revoked, kept] = [await putGrant(store), await putGrant(store)];
    const dead = await bound(store, revoked.grantId);
    const alive = await bound(store, kept.grantId);
    await store.revokeGrant(revoked.grantId);
    expect(await store.find('Grant', revoked.grantId)).to.equal(undefined);
    expect(await store.find('Grant', kept.grantId)).not.to.equal(undefined);
    for (const [model, handle, { userCode }] of dead) {
      expect(await store.find(model, handle), model).to.equal(undefined);
      expect(await store.findByUserCode(model, String(userCode)), model).to.equal(undefined);
    }
    for (const [model, handle, payload] of alive) {
      expect(await store.find(model, handle), model).to.deep.equal(payload);
    }
  });

  it('finds nothing that names an expired grant or one that never was', async () => {
    const { stores, clock } = current();
    const grantId = newHandle();
    await stores[0].put('Grant', grantId, {}, 30);
    const records = [
      ...(await bound(stores[0], grantId)),
      ...(await bound(stores[0], newHandle())),
    ];
    clock.advance(30);
    for (const [model, handle] of records) {
      expect(await stores[0].find(model, handle), model).to.equal(undefined);
    }
  });

  it('lets an interaction outlive the grant that it began with', async () => {
    const store = current().stores[0];
    const { grantId } = await putGrant(store);
    const handle = newHandle();
    await store.put('Interaction', handle, { grantId }, 60);
    await store.revokeGrant(grantId);
    expect(await store.find('Interaction', handle)).to.deep.equal({ grantId });
  });

  it('tells one of 50 concurrent revocations that it was the one', async () => {
    const { grantId } = await putGrant(current().stores[0]);
    const revoked = await burst(current().stores, (store) => store.revokeGrant(grantId));
    expect(count(revoked, true)).to.equal(1);
  });

  it('is not revived by a request that read the grant before and saves it late', async () => {
    const store = current().stores[0];
    const { grantId, accountId } = await putGrant(store);
    const token = newHandle();
    await store.put('RefreshToken', token, { grantId }, 60);
    await store.revokeGrant(grantId);
    await store.put('Grant', grantId, { jti: grantId, accountId }, 1000);
    expect(await store.find('Grant', grantId)).to.equal(undefined);
    expect(await store.find('RefreshToken', token)).to.equal(undefined);
  });

  it('revokes the grants of an account at one site or at all, and counts them', async () => {
    const store = current().stores[0];
    const one = await putGrant(store);
    const grants = [
      one,
      await putGrant(store, one.accountId),
      await putGrant(store, one.accountId, 'site-b'),
    ];
    const stranger = await putGrant(store);
    expect(await store.revokeGrantsOf(one.accountId, { clientId: 'site-b' })).to.equal(1);
    expect(await store.find('Grant', one.grantId)).not.to.equal(undefined);
    expect(await store.revokeGrantsOf(one.accountId)).to.equal(2);
    expect(await store.revokeGrantsOf(one.accountId)).to.equal(0);
    for (const { grantId } of grants) {
      expect(await store.find('Grant', grantId)).to.equal(undefined);
    }
    expect(await store.find('Grant', stranger.grantId)).not.to.equal(undefined);
  });

  it('revokes the grants of an account but some', async () => {
    const store = current().stores[0];
    const kept = await putGrant(store);
    const other = await putGrant(store, kept.accountId);
    const exceptGrantIds = [kept.grantId];
    expect(await store.revokeGrantsOf(kept.accountId, { exceptGrantIds })).to.equal(1);
    expect(await store.find('Grant', kept.grantId)).not.to.equal(undefined);
    expect(await store.find('Grant', other.grantId)).to.equal(undefined);
  });
}
