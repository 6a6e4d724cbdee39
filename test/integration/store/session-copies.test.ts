/** What a copy of a session is worth: exact idle time, and nothing that was ended or replaced. */
import { expect } from 'chai';
import { setTimeout as pause } from 'node:timers/promises';
import type { CachedSessionStore } from '#store/cached-session-store.ts';
import { HORIZON_SECONDS } from '#store/change-feed.ts';
import { hashOf } from '#store/handles.ts';
import type { SessionRecord } from '#store/session-store.ts';
import {
  oneServer,
  startCachedSessions,
  type CachedSessions,
  type SessionNode,
} from '../../support/cached-sessions.ts';
import { describeOnPostgresql } from '../../support/databases.ts';
import { describeWithRedis } from '../../support/redis.ts';
import { newHandle } from '../../support/store-contract/fixture.ts';
import { ORIGIN, saveNew } from '../../support/store-contract/session-fixture.ts';

describeWithRedis('store/session-copies', () => {
  describeOnPostgresql('two nodes', (current) => {
    let cached: CachedSessions;
    let here: SessionNode;
    let there: SessionNode;
    before(async () => {
      cached = await startCachedSessions(current(), 2, oneServer);
      [here, there = here] = cached.nodes;
    });
    after(() => cached.close());

    const redis = () => cached.servers.masters[0];
    const keyOf = (handle: string) => `test:s:${hashOf(handle).toString('base64url')}`;
    const rowOf = async (accountId: string) =>
      (await current().db('sessions').where({ account_id: accountId }).first('*')) as Row;
    /** A request of the browser: reads the session by its cookie and saves it. */
    const visit = async (handle: string, changed: Visit = {}) => {
      const { at = here.store, next = handle, ...change } = changed;
      const session = await at.findByHandle(handle);
      if (!session) return undefined;
      return await at.save({
        ...{ handle: next, origin: ORIGIN, lifetimeSeconds: 1800 },
        found: { handle, sites: session.sites },
        session: { ...session, ...change },
      });
    };
    /** Puts the copy of this moment back, as a failover that lost the last writes would. */
    const copyOfNow = async (handle: string) => {
      const value = await here.redis.run((commands) => commands.getBuffer(keyOf(handle)));
      if (value === null) throw new Error('There is no copy.');
      return async (as = handle) => {
        const expiresAt = cached.clock.nowSeconds() + 1800;
        await here.redis.run((commands) => commands.set(keyOf(as), value, 'EXAT', expiresAt));
      };
    };

    it('writes nothing to the database for a visit that changes nothing', async () => {
      const { handle, accountId } = await saveNew(cached);
      const row = await rowOf(accountId);
      cached.clock.advance(200);
      expect(await visit(handle)).to.equal('saved');
      expect(await visit(handle, { at: there.store })).to.equal('saved');
      expect(await rowOf(accountId)).to.deep.equal(row);
    });

    it('reads nothing from the database while the copy is good', async () => {
      const { handle, accountId } = await saveNew(cached);
      await current().db('sessions').where({ account_id: accountId }).delete();
      expect(await there.store.findByHandle(handle)).to.deep.include({ accountId });
    });

    it('writes a visit to the database five minutes after the last one that was', async () => {
      const { handle, accountId } = await saveNew(cached);
      const { version } = await rowOf(accountId);
      for (const seconds of [299, 1]) {
        cached.clock.advance(seconds);
        await visit(handle);
      }
      const row = await rowOf(accountId);
      expect(row.last_used_at).to.deep.equal(cached.clock.now());
      expect(row.version).to.equal(version);
    });

    it('counts the idle time from the last visit, to the second', async () => {
      const { handle } = await saveNew(cached);
      cached.clock.advance(299);
      await visit(handle);
      cached.clock.advance(1799);
      expect(await here.store.findByHandle(handle)).not.to.equal(undefined);
      cached.clock.advance(1);
      expect(await here.store.findByHandle(handle)).to.equal(undefined);
    });

    it('saves a session that only its copy knows to live, and ends one', async () => {
      const [saved, ended] = [await saveNew(cached), await saveNew(cached)];
      cached.clock.advance(299);
      for (const { handle } of [saved, ended]) await visit(handle);
      cached.clock.advance(1600);
      expect(await visit(saved.handle)).to.equal('saved');
      cached.clock.advance(1799);
      expect(await there.store.findByHandle(saved.handle)).not.to.equal(undefined);
      expect(await here.store.endAllOf(ended.accountId)).to.have.length(1);
    });

    it('ends a session up to five minutes early when its copy is lost, and never late', async () => {
      const { handle } = await saveNew(cached);
      cached.clock.advance(299);
      await visit(handle);
      await redis().command('flushall');
      cached.clock.advance(1500);
      expect(await here.store.findByHandle(handle)).not.to.equal(undefined);
      cached.clock.advance(1);
      expect(await here.store.findByHandle(handle)).to.equal(undefined);
    });

    it('gives a session the end of its copy, which the library checks again', async () => {
      const session = await saveNew(cached);
      const exp = cached.clock.nowSeconds() + 1800;
      const payload = { loginTs: 1_790_000_000, acr: 'aal2' };
      await visit(session.handle, { payload: { ...payload, exp } });
      cached.clock.advance(100);
      await visit(session.handle, { payload: { ...payload, exp: exp + 100 } });
      const found = await there.store.findByHandle(session.handle);
      expect(found?.payload['exp']).to.equal(exp + 100);
    });

    it('finds nothing by a replaced handle, on any node, whatever Redis brings back', async () => {
      const { handle } = await saveNew(cached);
      await there.store.findByHandle(handle);
      const bringBack = await copyOfNow(handle);
      const next = newHandle();
      expect(await visit(handle, { next })).to.equal('saved');
      await bringBack();
      expect(await here.store.findByHandle(handle)).to.equal(undefined);
      await withinASecond(async () => (await there.store.findByHandle(handle)) === undefined);
      expect(await there.store.findByHandle(next)).not.to.equal(undefined);
    });

    it('finds nothing of an ended session, on any node, whatever Redis brings back', async () => {
      const { handle, uid } = await saveNew(cached);
      const held = await there.store.findByHandle(handle);
      const bringBack = await copyOfNow(handle);
      await here.store.end(uid);
      await bringBack();
      expect(await here.store.findByHandle(handle)).to.equal(undefined);
      await withinASecond(async () => (await there.store.findByHandle(handle)) === undefined);
      const late = {
        ...{ handle, origin: ORIGIN, lifetimeSeconds: 1800 },
        found: { handle, sites: held?.sites ?? {} },
        session: held as SessionRecord,
      };
      expect(await there.store.save(late)).to.equal('ended');
    });

    it('sees a new site on every node, whatever Redis brings back', async () => {
      const { handle } = await saveNew(cached);
      const bringBack = await copyOfNow(handle);
      const sites = { 'site-a': { sid: 'a' } };
      await visit(handle, { sites });
      await bringBack();
      expect((await here.store.findByHandle(handle))?.sites).to.deep.equal(sites);
      await bringBack();
      await withinASecond(async () =>
        Object.hasOwn((await there.store.findByHandle(handle))?.sites ?? {}, 'site-a'),
      );
    });

    it('merges the sites that two nodes enter at once', async () => {
      const { handle } = await saveNew(cached);
      for (let round = 0; round < 10; round += 1) {
        const [a, b] = [`a-${round}`, `b-${round}`];
        const enter = async (at: CachedSessionStore, site: string) => {
          const sites = (await at.findByHandle(handle))?.sites;
          await visit(handle, { at, sites: { ...sites, [site]: { sid: site } } });
        };
        await Promise.all([enter(here.store, a), enter(there.store, b)]);
        await withinASecond(async () => {
          const found = await Promise.all(cached.nodes.map((n) => n.store.findByHandle(handle)));
          return found.every((one) => one?.sites[a] && one.sites[b]);
        });
      }
    });

    it('trusts no copy while the feed is stale', async () => {
      const { handle, uid, accountId } = await saveNew(cached);
      await there.store.findByHandle(handle);
      const bringBack = await copyOfNow(handle);
      await there.feed.stop();
      await pause(1050);
      await here.store.end(uid);
      await bringBack();
      expect(await there.store.findByHandle(handle)).to.equal(undefined);
      expect(await there.store.listOf(accountId)).to.deep.equal([]);
      await there.feed.start();
    });

    it('trusts no copy that is older than what the feed remembers', async () => {
      const { handle } = await saveNew(cached);
      const bringBack = await copyOfNow(handle);
      cached.clock.advance(HORIZON_SECONDS);
      await bringBack();
      expect(await here.store.findByHandle(handle)).to.equal(undefined);
    });

    it('opens no copy under another key', async () => {
      const [mine, theirs] = [await saveNew(cached), await saveNew(cached)];
      const copy = await copyOfNow(theirs.handle);
      await copy(mine.handle);
      const found = await here.store.findByHandle(mine.handle);
      expect(found?.uid).to.equal(mine.uid);
    });

    it('leaves no key without an expiry', async () => {
      const { handle } = await saveNew(cached);
      await visit(handle);
      const keys = (await redis().command('--scan')).split('\n').filter((key) => key !== '');
      const expiries = await Promise.all(keys.map((key) => redis().command('ttl', key)));
      expect(keys).not.to.be.empty;
      expect(expiries.filter((seconds) => Number(seconds) <= 0)).to.deep.equal([]);
    });

    it('goes on in the database when Redis hangs or dies, and comes back by itself', async () => {
      const { handle, accountId } = await saveNew(cached);
      redis().hang();
      const began = performance.now();
      cached.clock.advance(10);
      expect(await visit(handle)).to.equal('saved');
      // Three waits of 200 ms, and what a busy machine adds.
      expect(performance.now() - began).to.be.below(4000);
      expect((await rowOf(accountId)).last_used_at).to.deep.equal(cached.clock.now());
      redis().resume();
      await redis().kill();
      expect(await visit(handle, { sites: { 'site-a': { sid: 'a' } } })).to.equal('saved');
      await redis().restart();
      await withinASecond(() => Promise.resolve(here.redis.isAvailable), 5000);
      const found = await here.store.findByHandle(handle);
      expect(found?.sites).to.deep.equal({ 'site-a': { sid: 'a' } });
      await withinASecond(async () => {
        await here.store.findByHandle(handle);
        return (await redis().command('exists', keyOf(handle))) === '1';
      });
    });
  });
});

interface Visit extends Partial<SessionRecord> {
  readonly at?: CachedSessionStore;
  /** The cookie's new value. */
  readonly next?: string;
}

interface Row {
  readonly last_used_at: Date;
  readonly version: number;
}

async function withinASecond(isSo: () => Promise<unknown>, milliseconds = 1000): Promise<void> {
  const deadline = performance.now() + milliseconds;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error('It did not happen in time.');
    await pause(20);
  }
}
