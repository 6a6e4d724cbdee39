import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import { openDatabase, type DatabaseEngine } from '#store/database.ts';
import { describeOnPostgresql } from '../../support/databases.ts';
import type { CookieBrowser } from '../../support/cookie-browser.ts';
import { authorizationRequest, personAt, postAsSite, signInAt } from '../../support/person.ts';
import { TcpProxy } from '../../support/tcp-proxy.ts';
import {
  aCitizen,
  aSite,
  startTestServer,
  type Site,
  type TestServer,
} from '../../support/test-server.ts';

// DESIGN §11: PostgreSQL dead → 503 with Retry-After within 3 s, discovery and JWKS still 200,
// recovery within 5 s without a restart.
const LONGEST_REFUSAL = 3000;
const LONGEST_RECOVERY = 5000;

describeOnPostgresql('oidc/outage of the database', (current) => {
  let server: TestServer;
  let site: Site;
  let proxy: TcpProxy;
  let engine: DatabaseEngine;
  let browser: CookieBrowser;

  before(async () => {
    const url = new URL(current().url ?? '');
    proxy = new TcpProxy({ host: url.hostname, port: Number(url.port || 5432) });
    url.port = String(await proxy.open());
    engine = await openDatabase({ databaseUrl: url.href, dataDirectory: '' });
    const db = engine.connect('application');
    server = await startTestServer({ ...current(), db });
    site = await aSite(server, { grant_types: ['authorization_code', 'client_credentials'] });
    browser = personAt(server);
    const portal = await aSite(server);
    await signInAt(browser, await aCitizen(server), authorizationRequest(server, portal));
  });
  after(async () => {
    await server.stop();
    await server.foundations.db.destroy();
    await engine.close();
    await proxy.cut();
  });

  const requestToken = () =>
    postAsSite(server, site, '/token', { grant_type: 'client_credentials' });

  async function expectFixedAnswers(): Promise<void> {
    for (const path of ['/.well-known/openid-configuration', '/jwks']) {
      expect((await fetch(`${server.issuer}${path}`)).status, path).to.equal(200);
    }
  }

  /** @returns milliseconds until a token is given again */
  async function recovery(): Promise<number> {
    const startedAt = performance.now();
    while ((await requestToken()).status !== 200) {
      expect(performance.now() - startedAt).to.be.lessThan(LONGEST_RECOVERY);
      await pause(100);
    }
    return performance.now() - startedAt;
  }

  it('answers 503 while the line is cut, and discovery and JWKS as before', async () => {
    expect((await requestToken()).status).to.equal(200);
    await proxy.cut();
    await expectFixedAnswers();
    expect((await requestToken()).status).to.equal(503);
    const page = await fetch(authorizationRequest(server, site).url, {
      headers: { accept: 'text/html' },
      redirect: 'manual',
    });
    expect(page.status).to.equal(503);
    expect(page.headers.get('retry-after')).to.match(/^\d+$/);
    expect(await page.text()).to.match(/[0-9a-f]{8}-[0-9a-f]{4}-/);
  });

  it('answers 503 to a sign-out while the line is cut', async () => {
    const page = await browser.submit(`${server.issuer}/session/end/confirm`, { logout: 'yes' });
    expect(page.status).to.equal(503);
  });

  it('works again soon after the line is mended, without a restart', async () => {
    await proxy.open();
    expect(await recovery()).to.be.lessThan(LONGEST_RECOVERY);
  });

  it('answers 503 within 3 s when the database hangs, to many requests at once', async () => {
    proxy.freeze();
    const startedAt = performance.now();
    const answers = await Promise.all(Array.from({ length: 40 }, requestToken));
    expect(performance.now() - startedAt).to.be.lessThan(LONGEST_REFUSAL + 500);
    for (const answer of answers) {
      expect(answer.status).to.equal(503);
      expect(answer.headers.get('retry-after')).to.match(/^\d+$/);
    }
  });

  it('then refuses at once instead of letting requests wait, and says so to balancers', async () => {
    const startedAt = performance.now();
    const answers = await Promise.all(Array.from({ length: 40 }, requestToken));
    expect(performance.now() - startedAt).to.be.lessThan(500);
    expect(answers.map(({ status }) => status)).to.deep.equal(answers.map(() => 503));
    await expectFixedAnswers();
    await pause(1200);
    expect(server.running.readiness.verdict).to.deep.include({ isReady: false });
    expect(server.running.readiness.verdict.reasons).to.include('database');
  });

  it('works again soon after the database answers again, and is ready', async () => {
    proxy.thaw();
    expect(await recovery()).to.be.lessThan(LONGEST_RECOVERY);
    await pause(2100);
    expect(server.running.readiness.verdict.isReady).to.equal(true);
  });

  it('counts how often it found the database away', async () => {
    const text = await server.running.metrics.registry.metrics();
    expect(text).to.match(/^yirentong_database_breaker_opened_total [1-9]/m);
    expect(text).to.match(/^yirentong_database_breaker_open 0$/m);
  });
});
