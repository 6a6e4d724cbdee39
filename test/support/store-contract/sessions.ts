/** Session store contract: saving, finding, merging of parallel requests, the list of a person. */
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { SiteEntry } from '#store/session-store.ts';
import { newHandle } from './fixture.ts';
import { ORIGIN, saveNew, siteWithGrant, type SessionStoreUnderTest } from './session-fixture.ts';

export function describeSessions(current: () => SessionStoreUnderTest) {
  const store = () => current().stores[0];

  it('finds a session by its handle and by its uid, until its very second', async () => {
    const session = await saveNew(current(), {
      sites: { 'site-a': { sid: 'sid-a', grantId: newHandle() }, 'site-b': { sid: 'sid-b' } },
    });
    const { session: expected } = session.change();
    expect(await store().findByHandle(session.handle)).to.deep.equal(expected);
    expect(await store().findByUid(session.uid)).to.deep.equal(expected);
    expect(await store().findByHandle(session.uid)).to.equal(undefined);
    expect(await store().findByUid(session.handle)).to.equal(undefined);
    current().clock.advance(1799);
    expect(await store().findByUid(session.uid)).to.deep.equal(expected);
    current().clock.advance(1);
    expect(await store().findByHandle(session.handle)).to.equal(undefined);
    expect(await store().findByUid(session.uid)).to.equal(undefined);
  });

  it('keeps a session without an account, and lists it for nobody', async () => {
    const session = await saveNew(current());
    const { uid, handle, accountId } = session;
    const [other, otherHandle] = [newHandle(), newHandle()];
    const anonymous = { uid: other, payload: { state: { secret: 'x' } }, sites: {} };
    await store().save(
      session.change({ handle: otherHandle, session: anonymous, found: undefined }),
    );
    expect(await store().findByHandle(otherHandle)).to.deep.equal(anonymous);
    expect(await store().findByHandle(handle)).to.have.property('uid', uid);
    expect(await store().listOf(accountId)).to.have.length(1);
  });

  it('saves twice in one request that began the session', async () => {
    const session = await saveNew(current());
    const again = session.change({ found: undefined, sites: { 'site-a': { sid: 's' } } });
    expect(await store().save(again)).to.equal('saved');
    expect(await store().findByHandle(session.handle)).to.deep.equal(again.session);
  });

  // The idle time counts from the last visit, however close to each other the visits are.
  it('counts the idle time from the last save, to the second', async () => {
    const session = await saveNew(current());
    for (let visit = 0; visit < 3; visit += 1) {
      current().clock.advance(7);
      expect(await store().save(session.change())).to.equal('saved');
    }
    current().clock.advance(1799);
    expect(await store().findByHandle(session.handle)).not.to.equal(undefined);
    current().clock.advance(1);
    expect(await store().findByHandle(session.handle)).to.equal(undefined);
  });

  // PROVIDER-NOTES §0.2: the library writes back the whole session that each request read.
  it('merges four parallel saves with different sites', async () => {
    const { stores } = current();
    const session = await saveNew(current(), { sites: { portal: { sid: 'portal' } } });
    const entries = Object.fromEntries(
      ['a', 'b', 'c', 'd'].map((name) => [`site-${name}`, { sid: name, grantId: newHandle() }]),
    );
    const outcomes = await Promise.all(
      Object.entries(entries).map(([clientId, entry], index) =>
        (stores[index % stores.length] ?? stores[0]).save(
          session.change({ sites: { ...session.sites, [clientId]: entry } }),
        ),
      ),
    );
    expect(outcomes).to.deep.equal(['saved', 'saved', 'saved', 'saved']);
    const found = await store().findByHandle(session.handle);
    expect(found?.sites).to.deep.equal({ portal: { sid: 'portal' }, ...entries });
  });

  it('removes only the site that the request found and left out', async () => {
    const [a, b, c]: SiteEntry[] = [{ sid: 'a' }, { sid: 'b' }, { sid: 'c' }];
    const session = await saveNew(current(), { sites: { a: a ?? {}, b: b ?? {} } });
    await store().save(session.change({ sites: { ...session.sites, c: c ?? {} } }));
    await store().save(session.change({ sites: { b: b ?? {} } }));
    const found = await store().findByUid(session.uid);
    expect(found?.sites).to.deep.equal({ b, c });
  });

  it('does not undo what a concurrent request changed in another site', async () => {
    const session = await saveNew(current(), { sites: { a: { sid: 'a' }, b: { sid: 'b' } } });
    await store().save(session.change({ sites: { ...session.sites, a: { sid: 'a2' } } }));
    await store().save(session.change({ sites: { ...session.sites, b: { sid: 'b2' } } }));
    const found = await store().findByUid(session.uid);
    expect(found?.sites).to.deep.equal({ a: { sid: 'a2' }, b: { sid: 'b2' } });
  });

  it('replaces the handle: the old one is dead at once', async () => {
    const session = await saveNew(current());
    const handle = newHandle();
    expect(await store().save(session.change({ handle }))).to.equal('saved');
    expect(await store().findByHandle(session.handle)).to.equal(undefined);
    expect(await store().findByHandle(handle)).to.have.property('uid', session.uid);
  });

  it('lets no late request bring back an old handle or an old level, only its site', async () => {
    const session = await saveNew(current());
    const handle = newHandle();
    const stronger = session.change({ handle });
    const payload = { loginTs: 1_790_000_500, acr: 'aal2' };
    await store().save({ ...stronger, session: { ...stronger.session, payload } });
    const late = session.change({ sites: { late: { sid: 'l' } }, lifetimeSeconds: 90_000 });
    expect(await store().save(late)).to.equal('superseded');
    expect(await store().findByHandle(session.handle)).to.equal(undefined);
    const found = await store().findByHandle(handle);
    expect(found).to.deep.include({ payload, sites: { late: { sid: 'l' } } });
    current().clock.advance(1800);
    expect(await store().findByHandle(handle)).to.equal(undefined);
  });

  it('keeps the handle when a session that was found by its uid is saved', async () => {
    const session = await saveNew(current());
    const change = session.change({ handle: undefined, found: { handle: undefined, sites: {} } });
    expect(await store().save(change)).to.equal('saved');
    expect(await store().findByHandle(session.handle)).to.have.property('uid', session.uid);
  });

  it('lists the live sessions of an account, newest sign-in first, with their sites', async () => {
    const accountId = randomUUID();
    const older = await saveNew(current(), { accountId, loginTs: 1_790_000_000 });
    const newer = await saveNew(current(), {
      ...{ accountId, loginTs: 1_790_000_900 },
      sites: { 'site-a': { sid: 'a' }, 'site-b': { sid: 'b' } },
    });
    const ended = await saveNew(current(), { accountId });
    await store().end(ended.uid);
    await saveNew(current());

    const now = current().clock.now();
    expect(await store().listOf(accountId)).to.deep.equal([
      {
        uid: newer.uid,
        signedInAt: new Date(1_790_000_900_000),
        lastUsedAt: now,
        expiresAt: new Date(now.getTime() + 1_800_000),
        origin: { address: '192.0.2.77', userAgent: 'Synthetic/1.0', channel: 'web' },
        acr: 'aal1',
        clientIds: ['site-a', 'site-b'],
      },
      {
        uid: older.uid,
        signedInAt: new Date(1_790_000_000_000),
        lastUsedAt: now,
        expiresAt: new Date(now.getTime() + 1_800_000),
        origin: { address: '192.0.2.77', userAgent: 'Synthetic/1.0', channel: 'web' },
        acr: 'aal1',
        clientIds: [],
      },
    ]);
    current().clock.advance(1800);
    expect(await store().listOf(accountId)).to.deep.equal([]);
  });

  it('remembers where the last sign-in came from, not the last visit', async () => {
    const session = await saveNew(current());
    const elsewhere = { ...ORIGIN, address: '198.51.100.4' };
    await store().save(session.change({ origin: elsewhere }));
    const [visited] = await store().listOf(session.accountId);
    expect(visited?.origin.address).to.equal('192.0.2.77');

    const again = session.change({ origin: elsewhere });
    const payload = { ...again.session.payload, loginTs: 1_790_000_777 };
    await store().save({ ...again, session: { ...again.session, payload } });
    const [signedIn] = await store().listOf(session.accountId);
    expect(signedIn?.origin.address).to.equal('198.51.100.4');
  });

  it('keeps neither handles nor what sessions say in readable form', async () => {
    const entry = await siteWithGrant(current());
    const session = await saveNew(current(), { sites: { 'site-a': entry } });
    const dump = await current().dump();
    const { address, userAgent } = ORIGIN;
    const { handle, uid } = session;
    for (const secret of [handle, uid, entry.grantId, entry.sid ?? '', address, userAgent]) {
      for (const encoding of ['utf8', 'hex', 'base64', 'base64url'] as const) {
        expect(dump).not.to.include(Buffer.from(secret).toString(encoding));
      }
    }
  });
}
