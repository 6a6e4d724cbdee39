/** Session store contract: a session that ended is told once and never comes back. */
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { EndedSession } from '#store/session-store.ts';
import { burst, newHandle } from './fixture.ts';
import { saveNew, siteWithGrant, type SessionStoreUnderTest } from './session-fixture.ts';

export function describeSessionEnds(current: () => SessionStoreUnderTest) {
  const store = () => current().stores[0];
  const uidsOf = (ended: readonly EndedSession[]) => ended.map(({ uid }) => uid).sort();

  it('ends a session: not found, not listed, its grants revoked but those that persist', async () => {
    const [bound, persisting] = [
      await siteWithGrant(current()),
      await siteWithGrant(current(), { persistsLogout: true }),
    ];
    const session = await saveNew(current(), { sites: { a: bound, b: persisting } });
    const { uid, accountId } = session;
    const sites = { a: bound, b: persisting };
    expect(await store().end(uid)).to.deep.equal({ uid, accountId, sites });
    expect(await store().findByHandle(session.handle)).to.equal(undefined);
    expect(await store().findByUid(uid)).to.equal(undefined);
    expect(await store().listOf(accountId)).to.deep.equal([]);
    const { records } = current();
    expect(await records.find('Grant', bound.grantId)).to.equal(undefined);
    expect(await records.find('Grant', persisting.grantId)).not.to.equal(undefined);
    expect(await store().end(newHandle())).to.equal(undefined);
  });

  it('returns an ended session to one of 50 concurrent calls', async () => {
    const session = await saveNew(current(), { sites: { a: { sid: 'a' } } });
    const ended = await burst(current().stores, (one) => one.end(session.uid));
    expect(ended.filter((one) => one !== undefined)).to.have.length(1);
  });

  it('is not revived by a request that read the session before it ended', async () => {
    const session = await saveNew(current());
    const own = await saveNew(current());
    await store().end(session.uid);
    await store().end(own.uid);
    const late = { sites: { late: { sid: 'l' } } };
    expect(await store().save(session.change(late))).to.equal('ended');
    expect(await store().save(session.change({ ...late, handle: newHandle() }))).to.equal('ended');
    expect(await store().save(own.change({ ...late, found: undefined }))).to.equal('ended');
    for (const { uid, handle, accountId } of [session, own]) {
      expect(await store().findByUid(uid)).to.equal(undefined);
      expect(await store().findByHandle(handle)).to.equal(undefined);
      expect(await store().listOf(accountId)).to.deep.equal([]);
    }
  });

  it('is not revived by a late save even when its remains are swept', async () => {
    const session = await saveNew(current());
    await store().end(session.uid);
    current().clock.advance(3600);
    while ((await store().sweep(100)) > 0);
    expect(await store().save(session.change())).to.equal('ended');
  });

  it('is not revived when it expired between read and save', async () => {
    const session = await saveNew(current());
    current().clock.advance(1800);
    expect(await store().save(session.change())).to.equal('ended');
    expect(await store().findByUid(session.uid)).to.equal(undefined);
  });

  // Whatever comes first: every site that was stored is told, and none is stored afterwards.
  it('tells every site that a concurrent save entered', async () => {
    const { stores, records } = current();
    for (let round = 0; round < 10; round += 1) {
      const session = await saveNew(current());
      const entries = await Promise.all([0, 1, 2, 3].map(() => siteWithGrant(current())));
      const saves = entries.map((entry, index) =>
        (stores[index % stores.length] ?? stores[0]).save(
          session.change({ sites: { [`site-${index}`]: entry } }),
        ),
      );
      const ending = (stores[1] ?? stores[0]).end(session.uid);
      const outcomes = await Promise.all(saves);
      const ended = await ending;
      const saved = entries.filter((_, index) => outcomes[index] === 'saved');
      expect(Object.values(ended?.sites ?? {})).to.have.deep.members(saved);
      for (const { grantId } of saved) {
        expect(await records.find('Grant', grantId)).to.equal(undefined);
      }
    }
  });

  it('ends every session of an account but one, each exactly once', async () => {
    const accountId = randomUUID();
    const site = await siteWithGrant(current());
    const kept = await saveNew(current(), { accountId });
    const others = [
      await saveNew(current(), { accountId, sites: { a: site } }),
      await saveNew(current(), { accountId }),
    ];
    const stranger = await saveNew(current());
    const ended = await burst(current().stores, (one) => one.endAllOf(accountId, kept.uid));
    expect(uidsOf(ended.flat())).to.deep.equal(others.map(({ uid }) => uid).sort());
    expect(await current().records.find('Grant', site.grantId)).to.equal(undefined);
    expect(await store().findByUid(kept.uid)).not.to.equal(undefined);
    expect(await store().findByUid(stranger.uid)).not.to.equal(undefined);
    expect(uidsOf(await store().endAllOf(accountId))).to.deep.equal([kept.uid]);
  });

  it('ends the oldest sign-ins of an account beyond a number, each exactly once', async () => {
    const accountId = randomUUID();
    const sessions = [];
    for (const loginTs of [5, 1, 4, 2, 3]) {
      sessions.push(await saveNew(current(), { accountId, loginTs }));
    }
    const stranger = await saveNew(current(), { loginTs: 0 });
    const [, first, , second] = sessions.map(({ uid }) => uid);
    const ended = await burst(current().stores, (one) => one.endBeyond(accountId, 3));
    expect(uidsOf(ended.flat())).to.deep.equal([first, second].sort());
    expect(await store().listOf(accountId)).to.have.length(3);
    expect(await store().findByUid(stranger.uid)).not.to.equal(undefined);
    expect(await store().endBeyond(accountId, 3)).to.deep.equal([]);
  });

  it('sweeps sessions an hour after they expired, and leaves their grants alone', async () => {
    const { clock, records } = current();
    clock.advance(1_000_000);
    while ((await store().sweep(1000)) > 0);
    const site = await siteWithGrant(current());
    const session = await saveNew(current(), { sites: { a: site } });
    clock.advance(1800 + 3599);
    expect(await store().sweep(1000)).to.equal(0);
    clock.advance(1);
    expect(await store().sweep(1000)).to.equal(1);
    expect(await store().findByUid(session.uid)).to.equal(undefined);
    expect(await records.find('Grant', site.grantId)).not.to.equal(undefined);
  });

  it('sweeps the remains of ended sessions after an hour, and no live session', async () => {
    const { clock } = current();
    clock.advance(1_000_000);
    while ((await store().sweep(1000)) > 0);
    const gone = [await saveNew(current()), await saveNew(current())];
    for (const { uid } of gone) await store().end(uid);
    clock.advance(3599);
    const live = await saveNew(current());
    expect(await store().sweep(1000)).to.equal(0);
    clock.advance(1);
    expect(await store().sweep(1)).to.equal(1);
    expect(await store().sweep(1000)).to.equal(1);
    expect(await store().findByUid(live.uid)).not.to.equal(undefined);
  });
}
