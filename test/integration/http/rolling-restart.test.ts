import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import { Balancer } from '../../support/balancer.ts';
import { describeOnPostgresql } from '../../support/databases.ts';
import { startSecondProcess, type SecondProcess } from '../../support/second-process.ts';
import { SteadyLoad, type LoadRequest } from '../../support/steady-load.ts';
import { aSite, startTestServer, type TestServer } from '../../support/test-server.ts';

// F-02: a rolling restart of all nodes behind a balancer, under load, without a failed request.
describeOnPostgresql('rolling restart of two nodes', (current) => {
  let server: TestServer;
  const balancer = new Balancer();
  let port = 0;
  let nodes: SecondProcess[] = [];
  let requests: readonly LoadRequest[] = [];

  before(async function () {
    this.timeout(60_000);
    server = await startTestServer(current(), { settings: { shutdown: { waitSeconds: 0.5 } } });
    const site = await aSite(server, { grant_types: ['client_credentials'], redirect_uris: [] });
    requests = [
      { path: '/.well-known/openid-configuration' },
      {
        path: '/token',
        method: 'POST',
        headers: {
          authorization: `Basic ${Buffer.from(`${site.clientId}:${site.secret}`).toString('base64')}`,
          'content-type': 'application/x-www-form-urlencoded',
        },
        body: 'grant_type=client_credentials',
      },
    ];
    port = await balancer.open();
    nodes = await Promise.all([1, 2].map(() => startSecondProcess(server, current())));
    for (const node of nodes) await balancer.add(node);
  });
  after(async () => {
    await balancer.close();
    await Promise.all(nodes.map((node) => node.stop()));
    await server.stop();
  });

  it('fails no request', async function () {
    this.timeout(60_000);
    let turn = 0;
    const load = new SteadyLoad({
      ...{ port, connections: 8, host: new URL(server.issuer).host },
      next: () => requests[turn++ % requests.length] ?? { path: '/' },
    });
    for (const old of nodes.splice(0)) {
      const next = await startSecondProcess(server, current());
      await balancer.add(next);
      nodes.push(next);
      await old.stop();
    }
    await pause(500);
    const { sent, failures } = await load.stop();
    expect(failures).to.deep.equal({});
    expect(sent).to.be.greaterThan(200);
  });
});
