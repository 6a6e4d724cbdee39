/** With Redis, walking into a site that was entered before costs the database almost nothing. */
import { expect } from 'chai';
import { setTimeout as wait } from 'node:timers/promises';
import { describeOnPostgresql } from '../../support/databases.ts';
import { authorizationRequest, personAt, redeem, signInAt } from '../../support/person.ts';
import { describeWithRedis, startRedis, type TestRedis } from '../../support/redis.ts';
import { aCitizen, aSite, startTestServer, type TestServer } from '../../support/test-server.ts';

/** Backends tell what they did about a second later. */
const STATISTICS_MILLISECONDS = 1500;

describeWithRedis('oidc/written-rows', () => {
  describeOnPostgresql('one process', (current) => {
    let redis: TestRedis;
    let server: TestServer;
    before(async () => {
      redis = await startRedis();
      server = await startTestServer(current(), { settings: { redisUrl: redis.url } });
    });
    after(async () => {
      await server.stop();
      await redis.close();
    });

    const rowsWritten = async () => {
      await wait(STATISTICS_MILLISECONDS);
      const { rows } = await current().db.raw<{ rows: { relname: string; written: string }[] }>(
        `SELECT relname, n_tup_ins + n_tup_upd + n_tup_del AS written FROM pg_stat_user_tables`,
      );
      return new Map(rows.map(({ relname, written }) => [relname, Number(written)]));
    };

    it('writes for a second entry only what single use and audit need', async function () {
      this.timeout(20_000);
      const site = await aSite(server, {
        ...{ scope: 'openid profile_basic', grant_types: ['authorization_code'] },
      });
      const browser = personAt(server);
      const enter = async (more = {}) => {
        const request = authorizationRequest(server, site, more);
        const { code = '' } = await signInAt(browser, await citizen, request);
        expect((await redeem(server, site, request, code)).status).to.equal(200);
      };
      const citizen = aCitizen(server);
      await enter();
      const before = await rowsWritten();
      for (let round = 0; round < 5; round += 1) await enter({ prompt: 'none' });
      const after = await rowsWritten();
      const written = [...after].filter(([table, count]) => count > (before.get(table) ?? 0));
      const tables = written.map(([table]) => table).filter((table) => !/^audit_/u.test(table));
      expect(tables).to.deep.equal(['replay_marks']);
      expect((after.get('replay_marks') ?? 0) - (before.get('replay_marks') ?? 0)).to.equal(5);
    });
  });
});
