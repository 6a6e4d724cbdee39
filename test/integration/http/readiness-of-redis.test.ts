import { once } from 'node:events';
import { expect } from 'chai';
import { describeOnPostgresql } from '../../support/databases.ts';
import { describeWithRedis, startRedis, type TestRedis } from '../../support/redis.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';

/** Three looks, one a second, find it; the rest is for a slow machine. */
const LONGEST_MILLISECONDS = 15_000;

describeWithRedis('http/readiness', () => {
  describeOnPostgresql('of Redis', (current) => {
    let redis: TestRedis;
    let server: TestServer;
    beforeEach(async () => {
      redis = await startRedis();
      server = await startTestServer(current(), { settings: { redisUrl: redis.url } });
    });
    afterEach(async () => {
      await server.stop();
      await redis.close();
    });

    async function degradedBecomes(names: readonly string[]): Promise<void> {
      const { readiness } = server.running;
      const changes = new EventTarget();
      readiness.onChange(() => changes.dispatchEvent(new Event('change')));
      const signal = AbortSignal.timeout(LONGEST_MILLISECONDS);
      while (readiness.verdict.degraded.join() !== names.join()) {
        await once(changes, 'change', { signal });
      }
    }

    it('tells that Redis is gone, and that it is back, while nobody asks for anything', async () => {
      await redis.kill();
      await degradedBecomes(['redis']);
      expect(server.running.readiness.verdict.isReady).to.equal(true);
      await redis.restart();
      await degradedBecomes([]);
    }).timeout(60_000);
  });
});
