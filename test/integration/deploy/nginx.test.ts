import { mkdtempSync, rmSync } from 'node:fs';
import { request as requestTls } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { expect } from 'chai';
import { describeOnPostgresql } from '../../support/databases.ts';
import { isNginxThere, Nginx } from '../../support/nginx.ts';
import { writeKeys } from '../../support/operator.ts';
import { authorizationRequest, personAt, redeem, signInAt } from '../../support/person.ts';
import { Program } from '../../support/program.ts';
import { basicAuthorization } from '../../support/site-forms.ts';
import {
  aCitizen,
  aSite,
  freePort,
  startTestServer,
  type TestServer,
} from '../../support/test-server.ts';

describeOnPostgresql('deploy/nginx.conf before two servers in production mode', (current) => {
  /** Makes citizens and sites; what people meet is the issuer at nginx. */
  let server: TestServer;
  let nginx: Nginx;
  const nodes = new Map<number, Program>();
  const keys = mkdtempSync(join(tmpdir(), 'yrt-keys-'));
  const trusted = getCACertificates('default');

  const startNode = async (port: number, issuer: string) => {
    const program = await Program.start({
      databaseUrl: current().url,
      environment: {
        NODE_ENV: 'production',
        ISSUER: issuer,
        YRT_TEST_REALM: new URL(issuer).host,
        YRT_KEYS_DIRECTORY: keys,
        YRT_TRUSTED_PROXIES: '127.0.0.1/32',
        YRT_LISTEN_PORT: String(port),
        YRT_SHUTDOWN_WAIT_SECONDS: '0',
      },
    });
    nodes.set(port, program);
    await program.prints('"ready"', 60_000);
  };

  before(async function () {
    this.timeout(120_000);
    if (!isNginxThere() && process.env['CI'] !== 'true') this.skip();
    const behind = await startTestServer(current());
    writeKeys(keys, behind.foundations.keys);
    nginx = await Nginx.start(async (issuer) => {
      const ports = [await freePort(), await freePort()];
      for (const port of ports) await startNode(port, issuer);
      return ports;
    });
    setDefaultCACertificates([...trusted, nginx.authority]);
    server = { ...behind, issuer: nginx.issuer };
  });
  after(async function () {
    this.timeout(60_000);
    setDefaultCACertificates(trusted);
    for (const program of nodes.values()) {
      program.signal('SIGTERM');
      await program.ended();
    }
    await (nginx as Nginx | undefined)?.stop();
    await (server as TestServer | undefined)?.stop();
    rmSync(keys, { recursive: true });
  });

  /** On a connection of its own: nginx closes idle ones when it is reloaded. */
  const statusOf = (
    headers: Record<string, string>,
    { path = '/.well-known/openid-configuration', body }: { path?: string; body?: string } = {},
  ) =>
    new Promise<number>((resolve, reject) => {
      const method = body === undefined ? 'GET' : 'POST';
      const tls = { ca: nginx.authority, servername: 'localhost', agent: false };
      const url = new URL(path, nginx.issuer);
      const sending = requestTls(url, { method, headers, ...tls }, (answer) => {
        answer.resume();
        answer.once('end', () => resolve(answer.statusCode ?? 0));
      });
      sending.once('error', reject);
      sending.end(body);
    });

  it('carries a whole sign-in over TLS, to the tokens', async () => {
    const [citizen, site] = [await aCitizen(server), await aSite(server)];
    const request = authorizationRequest(server, site);
    const { code = '', iss } = await signInAt(personAt(server), citizen, request);
    expect(iss).to.equal(nginx.issuer);
    expect((await redeem(server, site, request, code)).status).to.equal(200);
  });

  it('tells the server the address of the browser, whatever the browser claims', async () => {
    const citizen = await aCitizen(server);
    const browser = personAt(server, { headers: { 'x-forwarded-for': '203.0.113.9' } });
    await signInAt(browser, citizen, authorizationRequest(server, await aSite(server)));
    const rows = await current()
      .db<{ account_id: string; event: string; address: string }>('audit_events')
      .where({ account_id: citizen.accountId, event: 'authn_login_success' })
      .select('address');
    expect(rows).to.deep.equal([{ address: '127.0.0.1' }]);
  });

  it('leaves it to the server to refuse a foreign host with 421', async () => {
    expect(await statusOf({ host: 'login.evil.example' })).to.equal(421);
    expect(await statusOf({})).to.equal(200);
  });

  it('leads from http to https', async () => {
    const url = `http://127.0.0.1:${nginx.plainPort}/account?x=1`;
    const answer = await fetch(url, { redirect: 'manual' });
    expect(answer.status).to.equal(301);
    expect(answer.headers.get('location')).to.equal(`${nginx.issuer}/account?x=1`);
  });

  it('lets through the cookies of many open sign-in pages, and no body of a size nobody needs', async () => {
    expect(await statusOf({ cookie: `a=${'x'.repeat(12_000)}` })).to.equal(200);
    const body = 'x'.repeat(70_000);
    const headers = { 'content-length': String(body.length) };
    expect(await statusOf(headers, { body })).to.equal(413);
  });

  it('logs no query string', () => {
    expect(nginx.accessLog).to.include(' GET /auth ').and.not.to.include('client_id');
    expect(nginx.accessLog).not.to.include('code_challenge');
  });

  it('hides a rolling restart of both servers from people and sites', async () => {
    const site = await aSite(server);
    const [name, value] = basicAuthorization(site);
    const failures: string[] = [];
    let [sent, isOver] = [0, false];
    const ask = async () => {
      while (!isOver) {
        const form = { [name]: value, 'content-type': 'application/x-www-form-urlencoded' };
        const isPost = sent % 2 === 1;
        const asked = isPost ? { path: '/token/introspection', body: 'token=none' } : {};
        sent += 1;
        const status = await statusOf(isPost ? form : {}, asked).catch(String);
        if (status !== 200) failures.push(`${asked.path ?? ''} ${status}`);
      }
    };
    const load = Promise.all(Array.from({ length: 8 }, ask));
    const ports = [...nodes.keys()];
    for (const [port, program] of nodes) {
      await nginx.useNodes(ports, port);
      program.signal('SIGTERM');
      expect(await program.ended(), program.output).to.equal(0);
      await startNode(port, nginx.issuer);
      await nginx.useNodes(ports);
    }
    isOver = true;
    await load;
    expect(failures).to.deep.equal([]);
    expect(sent).to.be.greaterThan(100);
  }).timeout(120_000);
});
