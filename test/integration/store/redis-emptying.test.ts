import { expect } from 'chai';
import { parseRedisUrl } from '#lib/redis-url.ts';
import { emptyRedis } from '#store/redis/emptying.ts';
import { describeWithRedis, startRedis, startRedisCluster } from '../../support/redis.ts';

const PREFIX = 'yrt[1]*:';
const empty = async (url: string) => {
  const target = parseRedisUrl(url);
  if (!target) throw new Error(`not a Redis URL: ${url}`);
  return await emptyRedis(target, PREFIX);
};

describeWithRedis('store/redis/emptying', () => {
  it('removes every key of ours and none of others', async () => {
    const redis = await startRedis();
    try {
      const own = Array.from({ length: 2500 }, (_, index) => [`${PREFIX}${index}`, 'x']);
      await redis.command('mset', ...own.flat(), 'yrt1:theirs', 'x', 'other', 'x');
      expect(await empty(redis.url)).to.equal(2500);
      expect((await redis.command('keys', '*')).split('\n')).to.have.members([
        'yrt1:theirs',
        'other',
      ]);
    } finally {
      await redis.close();
    }
  });

  it('reaches every master of a Cluster', async () => {
    const cluster = await startRedisCluster();
    try {
      const [first] = cluster.masters;
      for (let index = 0; index < 30; index += 1) {
        await first?.command('-c', 'set', `${PREFIX}{${index}}`, 'x');
      }
      const sizes = async () =>
        await Promise.all(cluster.masters.map(async (one) => Number(await one.command('dbsize'))));
      expect(Math.min(...(await sizes()))).to.be.greaterThan(0);
      expect(await empty(cluster.url)).to.equal(30);
      expect(await sizes()).to.deep.equal([0, 0, 0]);
    } finally {
      await cluster.close();
    }
  }).timeout(60_000);

  it('fails where nothing answers, so that nobody goes on with a full Redis', async () => {
    const redis = await startRedis();
    await redis.close();
    const outcome = await empty(redis.url).then(
      () => 'emptied',
      () => 'failed',
    );
    expect(outcome).to.equal('failed');
  });
});
