import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { describeOnPostgresql } from '../../support/databases.ts';
import {
  authorizationRequest,
  personAt,
  postAsSite,
  redeem,
  signInAt,
  userinfo,
} from '../../support/person.ts';
import { describeWithRedis, startRedis, type TestRedis } from '../../support/redis.ts';
import {
  aCitizen,
  aSite,
  startTestServer,
  type Site,
  type TestServer,
} from '../../support/test-server.ts';

const LONGEST_REQUEST_MILLISECONDS = 1000;

describeWithRedis('journeys/with Redis', () => {
  describeOnPostgresql('one sign-in', (current) => {
    let redis: TestRedis;
    let server: TestServer;
    let site: Site;
    before(async () => {
      redis = await startRedis();
      const settings = { redisUrl: redis.url };
      server = await startTestServer(current(), { settings });
      site = await aSite(server);
    });
    after(async () => {
      await server.stop();
      await redis.close();
    });

    async function signIn() {
      const request = authorizationRequest(server, site, { scope: 'openid offline_access' });
      const callback = await signInAt(personAt(server), await aCitizen(server), request);
      const code = callback['code'] ?? '';
      const { status, body } = await redeem(server, site, request, code);
      expect(status).to.equal(200);
      const { access_token: accessToken = '', refresh_token: refreshToken = '' } = body;
      expect((await userinfo(server, accessToken)).status).to.equal(200);
      return { code, accessToken, refreshToken };
    }

    const refresh = (refresh_token: string) =>
      postAsSite(server, site, '/token', { grant_type: 'refresh_token', refresh_token });

    const keysInRedis = async () =>
      (await redis.command('--scan')).split('\n').filter((key) => key !== '');

    it('leaves four keys, 1.7 KB after the code’s minute, all with an end and without handles', async () => {
      await redis.command('flushall');
      const { code, accessToken, refreshToken } = await signIn();
      const keys = await keysInRedis();
      expect(keys).not.to.deep.equal([]);
      let bytes = 0;
      for (const key of keys) {
        expect(Number(await redis.command('pttl', key)), key).to.be.above(0);
        const isCode = key.startsWith(`${server.foundations.settings.redisKeyPrefix}c{`);
        bytes += isCode ? 0 : Number(await redis.command('memory', 'usage', key));
        const text = `${key}\n${await redis.command('get', key)}`;
        for (const handle of [code, accessToken, refreshToken]) {
          expect(text).not.to.include(handle.slice(16));
        }
      }
      expect(keys.length).to.be.at.most(4);
      expect(bytes).to.be.at.most(1700);
    });

    it('uses a code once, revokes what it gave, and has it all in Redis', async () => {
      const { accessToken, refreshToken } = await signIn();
      const rows = await current().db('short_lived_records').count<{ count: string }[]>();
      expect(rows[0]?.count).to.equal('0');
      const rotated = await refresh(refreshToken);
      expect(rotated.status).to.equal(200);
      expect((await refresh(refreshToken)).status).to.equal(400);
      expect((await userinfo(server, accessToken)).status).to.equal(401);
    });

    for (const fault of ['kill', 'hang'] as const) {
      it(`signs people in while Redis does not answer (${fault}), and uses it again`, async () => {
        const before = await signIn();
        if (fault === 'kill') await redis.kill();
        else redis.hang();
        const began = performance.now();
        const { refreshToken } = await signIn();
        // Eight requests, each at most a second; the first ones wait until the breaker opens.
        expect(performance.now() - began).to.be.below(8 * LONGEST_REQUEST_MILLISECONDS);
        expect((await refresh(refreshToken)).status).to.equal(200);
        expect((await refresh(before.refreshToken)).status).to.equal(200);
        if (fault === 'kill') await redis.restart();
        else redis.resume();
        await untilUsedAgain();
      });
    }

    async function untilUsedAgain(): Promise<void> {
      for (let tries = 0; tries < 40; tries += 1) {
        const before = (await keysInRedis()).length;
        await signIn();
        if ((await keysInRedis()).length > before) return;
        await wait(250);
      }
      throw new Error('Redis was not used again within 10 s');
    }
  });
});
