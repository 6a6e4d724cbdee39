import { expect } from 'chai';
import { createEphemeralKeyRing } from '#crypto/key-ring.ts';
import { Sealer } from '#crypto/sealing.ts';
import { systemClock } from '#lib/clock.ts';
import { withTag } from '#store/handles.ts';
import type { RedisLink } from '#store/redis/connection.ts';
import { describeOnPostgresql } from '../../support/databases.ts';
import { aNode, type RedisNode } from '../../support/redis-node.ts';
import { describeWithRedis, linkTo, startRedis, type TestRedis } from '../../support/redis.ts';
import { newHandle } from '../../support/store-contract/fixture.ts';

/** The keys of the commands that left together. */
type Trip = readonly string[];

/** Writes down every round trip: what one `run` asked for. */
function watched(link: RedisLink, trips: Trip[]): RedisLink {
  return {
    prefix: link.prefix,
    isAvailable: true,
    close: () => link.close(),
    run: (work) =>
      link.run((client) => {
        const keys: string[] = [];
        trips.push(keys);
        const note = new Proxy(client, {
          get: (target, name) => {
            const command = Reflect.get(target, name) as (...words: unknown[]) => unknown;
            return (...words: unknown[]) => {
              keys.push(...words.map(String).filter((word) => word.startsWith(link.prefix)));
              return command.apply(target, words);
            };
          },
        });
        return work(note);
      }),
  };
}

/** What a Cluster takes the slot from: the part in braces, or all of it. */
const slotOf = (key: string) => /\{([^}]+)\}/.exec(key)?.[1] ?? key;

describeWithRedis('store/redis-record-store', () => {
  describeOnPostgresql('round trips', (current) => {
    const trips: Trip[] = [];
    let redis: TestRedis;
    let node: RedisNode;
    before(async () => {
      redis = await startRedis();
      node = await aNode({
        db: current().db,
        redis: watched(await linkTo(redis.url), trips),
        sealer: new Sealer(createEphemeralKeyRing().only('sealing')),
        clock: systemClock,
      });
    });
    after(async () => {
      await node.close();
      await redis.close();
    });

    async function tripsOf(work: () => Promise<unknown>): Promise<readonly Trip[]> {
      trips.length = 0;
      await work();
      return [...trips];
    }

    it('reads a token and its grant in one round trip on one slot', async () => {
      const { store } = node;
      const grantId = newHandle();
      await store.put('Grant', grantId, { jti: grantId }, 3600);
      for (const model of ['AccessToken', 'AuthorizationCode'] as const) {
        const handle = withTag(grantId, newHandle());
        const put = await tripsOf(() => store.put(model, handle, { jti: handle, grantId }, 60));
        expect(put.map((keys) => keys.length)).to.deep.equal([1]);
        const [found, ...more] = await tripsOf(() => store.findWithGrant(model, handle));
        expect(more).to.deep.equal([]);
        expect(found).to.have.length(2);
        expect(new Set(found?.map(slotOf)).size).to.equal(1);
      }
    });

    it('takes one round trip on one slot to put, find, use up and remove a record', async () => {
      const { store } = node;
      for (const model of ['DeviceCode', 'ClientCredentials'] as const) {
        const handle = newHandle();
        const calls = [
          () => store.put(model, handle, { jti: handle }, 60),
          () => store.find(model, handle),
          () => store.remove(model, handle),
        ];
        for (const call of calls) {
          expect((await tripsOf(call)).map((keys) => keys.length)).to.deep.equal([1]);
        }
      }
      const request = newHandle();
      await store.put('PushedAuthorizationRequest', request, { jti: request }, 60);
      const payload = await store.find('PushedAuthorizationRequest', request);
      const use = () => store.consume('PushedAuthorizationRequest', request, payload);
      expect(await tripsOf(use)).to.deep.equal([]);
    });

    it('asks Redis for nothing when a refresh token is rotated', async () => {
      const { store } = node;
      const grantId = newHandle();
      await store.put('Grant', grantId, { jti: grantId }, 3600);
      const [used, next] = [newHandle(), newHandle()];
      await store.put('RefreshToken', used, { jti: used, grantId }, 60);
      const trips = await tripsOf(async () => {
        await store.findWithGrant('RefreshToken', used);
        await store.rotate(used, next, { jti: next, grantId }, 60);
      });
      expect(trips).to.deep.equal([]);
    });
  });
});
