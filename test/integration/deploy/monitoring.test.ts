import { expect } from 'chai';
import { describeOnPostgresql } from '../../support/databases.ts';
import { readText } from '../../support/deploy-files.ts';
import { Program } from '../../support/program.ts';
import { describeWithRedis, startRedis, type TestRedis } from '../../support/redis.ts';

/** Names as queries write them; a histogram is asked for by its parts. */
const namesIn = (text: string) =>
  [...text.matchAll(/\byirentong_\w+/g)].map(([name]) =>
    name.replace(/_(?:bucket|count|sum)$/, ''),
  );

describeWithRedis('alerts, dashboard and manual', () => {
  describeOnPostgresql('ask for metrics', (current) => {
    let redis: TestRedis;
    let program: Program;
    let exposed: ReadonlySet<string>;

    before(async function () {
      this.timeout(120_000);
      redis = await startRedis();
      const environment = { REDIS_URL: redis.url };
      const args = ['--workers', '1'];
      program = await Program.start({ databaseUrl: current().url, args, environment });
      await program.prints('"ready"', 60_000);
      const { text } = await program.probe('/metrics');
      exposed = new Set([...text.matchAll(/^# TYPE (\w+) /gm)].map(([, name = '']) => name));
    });
    after(async function () {
      this.timeout(60_000);
      (program as Program | undefined)?.signal('SIGTERM');
      await (program as Program | undefined)?.ended();
      await (redis as TestRedis | undefined)?.close();
    });

    for (const file of [
      'deploy/prometheus/alerts.yaml',
      'deploy/grafana/yirentong.json',
      'docs/operating.md',
    ]) {
      it(`that the server has: ${file}`, () => {
        const roles = ['yirentong_app', 'yirentong_owner', 'yirentong_server'];
        const names = new Set(namesIn(readText(file)).filter((name) => !roles.includes(name)));
        expect([...names].filter((name) => !exposed.has(name))).to.deep.equal([]);
      });
    }
  });
});
