import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { createEphemeralKeyRing } from '#crypto/key-ring.ts';
import { Sealer } from '#crypto/sealing.ts';
import { systemClock } from '#lib/clock.ts';
import { withTag } from '#store/handles.ts';
import { RedisUnavailable } from '#store/redis/breaker.ts';
import { describeOnPostgresql } from '../../support/databases.ts';
import { aNode, LONGEST_SECONDS, type RedisNode } from '../../support/redis-node.ts';
import { describeWithRedis, linkTo, startRedis, type TestRedis } from '../../support/redis.ts';
import { newHandle } from '../../support/store-contract/fixture.ts';

describeWithRedis('store/redis-record-store', () => {
  describeOnPostgresql('what Redis loses', (current) => {
    const sealer = new Sealer(createEphemeralKeyRing().only('sealing'));
    const clock = { offset: 0 };
    const movedClock = {
      now: () => new Date(systemClock.now().getTime() + clock.offset * 1000),
      nowSeconds: () => systemClock.nowSeconds() + clock.offset,
    };
    let redis: TestRedis;
    let closing: (() => Promise<unknown>)[] = [];
    beforeEach(async () => {
      clock.offset = 0;
      redis = await startRedis();
      closing = [() => redis.close()];
    });
    afterEach(async () => {
      for (const close of closing) await close();
    });

    async function aNodeOn({ url }: TestRedis, timeout?: number): Promise<RedisNode> {
      const link = await linkTo(url, timeout);
      const node = await aNode({ db: current().db, redis: link, sealer, clock: movedClock });
      closing.unshift(() => node.close());
      return node;
    }

    /** Past the time after the start in which a miss in Redis is not the last word. */
    const settled = async (node: RedisNode) => {
      clock.offset += LONGEST_SECONDS + 60;
      await node.feed.publish([]);
      return node;
    };

    async function aTokenOf({ store }: RedisNode) {
      const grantId = newHandle();
      const grant = { jti: grantId, accountId: randomUUID(), clientId: 'site-a' };
      await store.put('Grant', grantId, grant, 3600);
      const token = withTag(grantId, newHandle());
      const code = withTag(grantId, newHandle());
      await store.put('AccessToken', token, { jti: token, grantId }, 300);
      await store.put('AuthorizationCode', code, { jti: code, grantId }, 300);
      return { grantId, accountId: grant.accountId, token, code };
    }

    /** The next command fails; the ones after it do not. */
    function loseAnswer({ redis: link }: RedisNode): void {
      const whole = link.run.bind(link);
      const run = () => {
        Object.assign(link, { run: whole });
        return Promise.reject(new RedisUnavailable());
      };
      Object.assign(link, { run });
    }

    /** A replica that has everything until now, and is then cut off from its master. */
    async function aStaleReplica(): Promise<TestRedis> {
      const replica = await startRedis(['--replicaof', '127.0.0.1', String(redis.port)]);
      closing.push(() => replica.close());
      while (!(await replica.command('info', 'replication')).includes('master_link_status:up')) {
        await wait(20);
      }
      expect(await redis.command('wait', '1', '5000')).to.equal('1');
      await replica.command('replicaof', 'no', 'one');
      return replica;
    }

    it('finds a code used although the failover lost everything since it was put', async () => {
      const node = await aNodeOn(redis);
      const { code } = await aTokenOf(node);
      const replica = await aStaleReplica();
      expect(await node.store.consume('AuthorizationCode', code)).to.equal('used');
      const promoted = await aNodeOn(replica);
      expect(await promoted.store.consume('AuthorizationCode', code)).to.equal('already_used');
    });

    it('finds a token although one answer of Redis was lost', async () => {
      const node = await aNodeOn(redis);
      const { token } = await aTokenOf(node);
      loseAnswer(node);
      expect(await node.store.find('AccessToken', token)).to.include({ jti: token });
    });

    it('finds no token of a grant whose copy a failover brought back', async () => {
      const node = await aNodeOn(redis);
      const { grantId, token } = await aTokenOf(node);
      const replica = await aStaleReplica();
      await node.store.revokeGrant(grantId);
      expect(await replica.command('--scan')).to.include('test:g{');
      const promoted = await aNodeOn(replica);
      expect(await promoted.store.find('AccessToken', token)).to.equal(undefined);
      expect(await promoted.store.find('Grant', grantId)).to.equal(undefined);
    });

    it('uses no copy of a grant that is older than the feed remembers', async () => {
      const node = await aNodeOn(redis);
      const { grantId } = await aTokenOf(node);
      const key = (await redis.command('--scan', '--pattern', 'test:g{*')).trim();
      const copy = await node.redis.run((client) => client.getBuffer(key));
      await node.store.revokeGrant(grantId);
      await current().db('changes').delete();
      clock.offset += 301;
      await node.redis.run((client) => client.set(key, copy ?? ''));
      const later = await aNodeOn(redis);
      expect(await later.store.find('Grant', grantId)).to.equal(undefined);
    });

    it('finds what was written last, although Redis missed it and still has what was before', async () => {
      const node = await settled(await aNodeOn(redis));
      const uid = newHandle();
      await node.store.put('DeviceCode', uid, { jti: uid, step: 1 }, 600);
      loseAnswer(node);
      await node.store.put('DeviceCode', uid, { jti: uid, step: 2 }, 600);
      expect(await node.store.find('DeviceCode', uid)).to.include({ step: 2 });
      await node.store.put('DeviceCode', uid, { jti: uid, step: 3 }, 600);
      expect(await node.store.find('DeviceCode', uid)).to.include({ step: 3 });
    });

    it('learns within a second on another node that an account lost its grants', async () => {
      const [one, other] = [await aNodeOn(redis), await aNodeOn(redis)];
      const { accountId, token } = await aTokenOf(one);
      expect(await other.store.find('AccessToken', token)).not.to.equal(undefined);
      await one.store.revokeGrantsOf(accountId);
      expect(await one.store.find('AccessToken', token)).to.equal(undefined);
      await wait(1000);
      expect(await other.store.find('AccessToken', token)).to.equal(undefined);
    });

    it('finds no token that its site revoked and a failover brought back', async () => {
      const node = await aNodeOn(redis);
      const { grantId, token, code } = await aTokenOf(node);
      const replica = await aStaleReplica();
      await node.store.remove('AccessToken', token);
      const promoted = await aNodeOn(replica);
      expect(await promoted.store.find('AccessToken', token)).to.equal(undefined);
      expect(await promoted.store.find('Grant', grantId)).not.to.equal(undefined);
      expect(await promoted.store.find('AuthorizationCode', code)).not.to.equal(undefined);
    });

    it('keeps grants, refresh tokens and use marks when everything in Redis is gone', async () => {
      const node = await aNodeOn(redis);
      const { grantId, code } = await aTokenOf(node);
      const refreshToken = newHandle();
      await node.store.put('RefreshToken', refreshToken, { jti: refreshToken, grantId }, 600);
      const jti = newHandle();
      const soon = systemClock.nowSeconds() + 60;
      expect(await node.store.useOnce('dpop', jti, soon)).to.equal(true);
      expect(await node.store.consume('AuthorizationCode', code)).to.equal('used');
      await redis.command('flushall');
      expect(await node.store.find('Grant', grantId)).to.include({ jti: grantId });
      expect(await node.store.find('RefreshToken', refreshToken)).to.include({ grantId });
      expect(await node.store.useOnce('dpop', jti, soon)).to.equal(false);
      // Put back, as a back-up or a lagging replica would.
      await node.store.put('AuthorizationCode', code, { jti: code, grantId }, 60);
      expect(await node.store.consume('AuthorizationCode', code)).to.equal('already_used');
    });

    it('asks Redis again when it was restarted empty, without a new start of its own', async () => {
      const node = await settled(await aNodeOn(redis, 200));
      await redis.kill();
      const [during, after] = [newHandle(), newHandle()];
      await node.store.put('DeviceCode', during, { step: 1 }, 600);
      expect(await node.store.find('DeviceCode', during)).to.deep.equal({ step: 1 });
      await redis.restart();
      await untilAvailable(node);
      await node.store.put('DeviceCode', after, { step: 2 }, 600);
      expect(await redis.command('dbsize')).to.equal('1');
      // Written while Redis was away: a miss there is not the last word.
      expect(await node.store.find('DeviceCode', during)).to.deep.equal({ step: 1 });
    });

    it('tells another node that records lie in PostgreSQL', async () => {
      const cut = await settled(await aNodeOn(redis, 200));
      const other = await aNodeOn(await anotherRedis(), 5000);
      await settled(other);
      await redis.kill();
      const handle = newHandle();
      await cut.store.put('DeviceCode', handle, { step: 1 }, 600);
      await wait(1000);
      expect(await other.store.find('DeviceCode', handle)).to.deep.equal({ step: 1 });
    });

    it('goes on within a second when Redis hangs, and lets one of many use a code', async () => {
      const node = await aNodeOn(redis, 200);
      const { grantId } = await aTokenOf(node);
      redis.hang();
      const began = performance.now();
      const code = withTag(grantId, newHandle());
      await node.store.put('AuthorizationCode', code, { jti: code, grantId }, 60);
      expect(await node.store.find('AuthorizationCode', code)).to.deep.equal({
        jti: code,
        grantId,
      });
      const uses = Array.from({ length: 20 }, () => node.store.consume('AuthorizationCode', code));
      const outcomes = await Promise.all(uses);
      expect(performance.now() - began).to.be.below(1000);
      redis.resume();
      await untilAvailable(node);
      const later = await node.store.consume('AuthorizationCode', code);
      expect([...outcomes, later].filter((one) => one === 'used')).to.have.length(1);
    });

    it('removes a request for good although Redis never heard of it', async () => {
      const node = await aNodeOn(redis, 200);
      const handle = newHandle();
      await node.store.put('DeviceCode', handle, { step: 1 }, 600);
      await redis.command('save');
      await redis.kill();
      await node.store.remove('DeviceCode', handle);
      await redis.restart();
      await untilAvailable(node);
      expect(await redis.command('dbsize')).to.equal('1');
      expect(await node.store.find('DeviceCode', handle)).to.equal(undefined);
    });

    async function anotherRedis(): Promise<TestRedis> {
      const another = await startRedis();
      closing.push(() => another.close());
      return another;
    }
  });
});

/** The breaker is closed and the connection is there. */
async function untilAvailable({ redis }: RedisNode): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if ((await redis.run((client) => client.ping()).catch(() => '')) === 'PONG') return;
    await wait(50);
  }
  throw new Error('Redis was not asked again within 10 s');
}
