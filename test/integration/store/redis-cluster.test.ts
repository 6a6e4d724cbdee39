import { expect } from 'chai';
import { describeWithRedis, linkTo, startRedisCluster } from '../../support/redis.ts';

describeWithRedis('store/redis/connection', () => {
  it('sends commands on several slots again when a Cluster has moved the slots', async () => {
    const cluster = await startRedisCluster();
    const { masters } = cluster;
    const link = await linkTo(cluster.url);
    try {
      const [from, to] = masters;
      if (!from || !to) throw new Error('the Cluster has no masters');
      const keys = ['test:one', 'test:two', 'test:three', 'test:four', 'test:five', 'test:six'];
      // Known before, so that nothing is learned by connecting.
      await link.run((redis) => Promise.all(keys.map((key) => redis.get(key))));
      const newOwner = await to.command('cluster', 'myid');
      for (const key of keys) {
        const slot = await from.command('cluster', 'keyslot', key);
        await to.command('cluster', 'setslot', slot, 'node', newOwner);
        for (const master of masters) {
          if (master !== to) await master.command('cluster', 'setslot', slot, 'node', newOwner);
        }
      }
      const write = () =>
        link.run((redis) => Promise.all(keys.map((key) => redis.set(key, '1', 'EX', 60))));
      expect(await write()).to.deep.equal(keys.map(() => 'OK'));
    } finally {
      await link.close();
      await cluster.close();
    }
  });
});
