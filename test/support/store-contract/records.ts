/** Store contract: records are given back, expire, are removed and swept, and are unreadable. */
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { MODEL_PLACEMENT } from '#store/model-placement.ts';
import type { RecordModel } from '#store/record-store.ts';
import { MODELS, newHandle, type RecordStoreUnderTest } from './fixture.ts';

export function describeRecords(current: () => RecordStoreUnderTest) {
  for (const model of MODELS) {
    it(`gives back a record of ${model} as it was put, until its very second`, async () => {
      const store = current().stores[0];
      const handle = newHandle();
      const payload = {
        ...{ jti: handle, kind: model, clientId: 'site-a', accountId: randomUUID(), exp: 5 },
        ...{ nested: { list: [1, 'two', null], text: '登录 \u0000' } },
      };
      await store.put(model, handle, payload, 60);
      expect(await store.find(model, handle)).to.deep.equal(payload);
      current().clock.advance(59);
      expect(await store.find(model, handle)).to.deep.equal(payload);
      current().clock.advance(1);
      expect(await store.find(model, handle)).to.equal(undefined);
    });
  }

  it('replaces a record that is put again, with the new lifetime', async () => {
    const store = current().stores[0];
    const handle = newHandle();
    await store.put('Interaction', handle, { step: 1 }, 10);
    await store.put('Interaction', handle, { step: 2 }, 100);
    current().clock.advance(50);
    expect(await store.find('Interaction', handle)).to.deep.equal({ step: 2 });
  });

  it('keeps models apart that share a handle', async () => {
    const store = current().stores[0];
    const handle = newHandle();
    await store.put('AccessToken', handle, { kind: 'AccessToken' }, 60);
    await store.put('ClientCredentials', handle, { kind: 'ClientCredentials' }, 60);
    await store.remove('ClientCredentials', handle);
    expect(await store.find('AccessToken', handle)).to.deep.equal({ kind: 'AccessToken' });
    expect(await store.find('ClientCredentials', handle)).to.equal(undefined);
    expect(await store.find('RefreshToken', handle)).to.equal(undefined);
  });

  it('does not find a removed record, and removes an absent one without complaint', async () => {
    const store = current().stores[0];
    for (const model of MODELS) {
      const handle = newHandle();
      await store.put(model, handle, {}, 60);
      await store.remove(model, handle);
      await store.remove(model, handle);
      expect(await store.find(model, handle), model).to.equal(undefined);
    }
  });

  it('finds by user code, with the handle to save it again', async () => {
    const store = current().stores[0];
    const [handle, userCode] = [newHandle(), newHandle()];
    const payload = { jti: handle, userCode };
    await store.put('DeviceCode', handle, payload, 60);
    expect(await store.findByUserCode('DeviceCode', userCode)).to.deep.equal(payload);
    expect(await store.findByUserCode('DeviceCode', handle)).to.equal(undefined);
    expect(await store.findByUserCode('Interaction', userCode)).to.equal(undefined);
    current().clock.advance(60);
    expect(await store.findByUserCode('DeviceCode', userCode)).to.equal(undefined);
  });

  it('keeps neither handles nor what payloads say in readable form', async () => {
    const store = current().stores[0];
    const secrets: string[] = [];
    for (const model of MODELS) {
      const [handle, grantId, text] = [newHandle(), newHandle(), newHandle()];
      await store.put('Grant', grantId, { jti: grantId }, 60);
      await store.put(model, handle, { jti: handle, grantId, userCode: text, nonce: text }, 60);
      await store.useOnce(handle, text, current().clock.nowSeconds() + 60);
      secrets.push(handle, grantId, text);
    }
    const dump = await current().dump();
    for (const secret of secrets) {
      for (const encoding of ['utf8', 'hex', 'base64', 'base64url'] as const) {
        expect(dump).not.to.include(Buffer.from(secret).toString(encoding));
      }
    }
  });

  it('sweeps what has expired and nothing else, at most the limit a table', async () => {
    const { stores, clock, swept } = current();
    const tables = new Set(swept.map((model) => MODEL_PLACEMENT[model].table)).size + 1;
    clock.advance(100_000);
    while ((await stores[0].sweep(1000)) > 0);
    const records: (readonly [RecordModel, string, number])[] = [];
    for (const model of MODELS) {
      for (const life of [10, 10, 20]) records.push([model, newHandle(), life]);
    }
    for (const [model, handle, life] of records) await stores[0].put(model, handle, {}, life);
    await stores[0].useOnce('sweep', newHandle(), clock.nowSeconds() + 10);

    clock.advance(9);
    expect(await stores[0].sweep(1000)).to.equal(0);
    clock.advance(1);
    expect(await stores[0].sweep(1)).to.equal(tables); // one a table, and one replay mark
    expect(await stores[0].sweep(1000)).to.equal(2 * swept.length + 1 - tables);
    for (const [model, handle, life] of records) {
      expect(await stores[0].find(model, handle)).to.deep.equal(life === 20 ? {} : undefined);
    }
  });
}
