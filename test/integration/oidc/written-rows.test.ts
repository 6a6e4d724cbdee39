/** With Redis, walking into a site that was entered before costs the database almost nothing. */
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'chai';
import { describeOnPostgresql } from '../../support/databases.ts';
import { authorizationRequest, personAt, redeem, signInAt } from '../../support/person.ts';
import { describeWithRedis, startRedis, type TestRedis } from '../../support/redis.ts';
import { aCitizen, aSite, startTestServer, type TestServer } from '../../support/test-server.ts';

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

    /** Place and transaction of every row, by table: any write changes one. */
    const versions = async () => {
      const { db } = current();
      const tables = await db('pg_tables')
        .where({ schemaname: 'public' })
        .whereNot('tablename', 'like', 'schema_%')
        .pluck<string[]>('tablename');

      const rowsOf = async (table: string) => {
        const { rows } = await db.raw<{ rows: { versions: string[] }[] }>(
          'SELECT ARRAY(SELECT ctid::text || xmin::text FROM ?? ORDER BY 1) AS versions',
          [table],
        );
        return [table, rows[0]?.versions ?? []] as const;
      };
      return new Map(await Promise.all(tables.map(rowsOf)));
    };

    it('writes for a second entry only what single use and audit need', async () => {
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
      const before = await versions();
      for (let round = 0; round < 5; round += 1) await enter({ prompt: 'none' });
      const after = await versions();
      const isWritten = (table: string) => !isDeepStrictEqual(after.get(table), before.get(table));
      const written = [...after.keys()].filter(isWritten).toSorted();
      expect(written.filter((table) => !table.startsWith('audit_'))).to.deep.equal([
        'replay_marks',
      ]);
      expect(after.get('replay_marks')).to.have.length(
        (before.get('replay_marks') ?? []).length + 5,
      );
    });
  });
});
