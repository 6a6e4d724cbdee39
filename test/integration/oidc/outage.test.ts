import { expect } from 'chai';
import { openDatabase, type DatabaseEngine } from '#store/database.ts';
import { describeOnPostgresql } from '../../support/databases.ts';
import { authorizationRequest, postAsSite } from '../../support/person.ts';
import { TcpProxy } from '../../support/tcp-proxy.ts';
import { aSite, startTestServer, type Site, type TestServer } from '../../support/test-server.ts';

// DESIGN §11: PostgreSQL dead → 503 with Retry-After, discovery and JWKS still 200, recovery
// without a restart.
describeOnPostgresql('oidc/outage of the database', (current) => {
  let server: TestServer;
  let site: Site;
  let proxy: TcpProxy;
  let engine: DatabaseEngine;

  before(async () => {
    const url = new URL(current().url ?? '');
    proxy = new TcpProxy({ host: url.hostname, port: Number(url.port || 5432) });
    url.port = String(await proxy.open());
    engine = await openDatabase({ databaseUrl: url.href, dataDirectory: '' });
    const db = engine.connect('application');
    server = await startTestServer({ ...current(), db });
    site = await aSite(server, { grant_types: ['authorization_code', 'client_credentials'] });
  });
  after(async () => {
    await server.stop();
    await server.foundations.db.destroy();
    await engine.close();
    await proxy.cut();
  });

  const requestToken = () =>
    postAsSite(server, site, '/token', { grant_type: 'client_credentials' });

  it('answers 503 while the line is cut, and discovery and JWKS as before', async () => {
    expect((await requestToken()).status).to.equal(200);
    await proxy.cut();
    for (const path of ['/.well-known/openid-configuration', '/jwks']) {
      expect((await fetch(`${server.issuer}${path}`)).status, path).to.equal(200);
    }
    expect((await requestToken()).status).to.equal(503);
    const page = await fetch(authorizationRequest(server, site).url, {
      headers: { accept: 'text/html' },
      redirect: 'manual',
    });
    expect(page.status).to.equal(503);
    expect(page.headers.get('retry-after')).to.match(/^\d+$/);
    expect(await page.text()).to.match(/[0-9a-f]{8}-[0-9a-f]{4}-/);
  });

  it('works again once the line is mended, without a restart', async () => {
    await proxy.open();
    expect((await requestToken()).status).to.equal(200);
  });
});
