import { expect } from 'chai';
import { UnsecuredJWT } from 'jose';
import type { CookieBrowser } from '../../../support/cookie-browser.ts';
import { describeOnAnyDatabase } from '../../../support/databases.ts';
import { LocalServers } from '../../../support/local-server.ts';
import {
  authorizationRequest,
  callbackOf,
  personAt,
  postAsSite,
  redeem,
  signInAt,
} from '../../../support/person.ts';
import {
  aCitizen,
  aSite,
  startTestServer,
  type Site,
  type TestServer,
} from '../../../support/test-server.ts';

describeOnAnyDatabase('abuse/protocol: requests by reference', (current) => {
  const servers = new LocalServers();
  let server: TestServer;
  let site: Site;
  let stranger: Site;
  let browser: CookieBrowser;
  before(async function () {
    this.timeout(60_000);
    server = await startTestServer(current(), {
      settings: { egress: { allowedPrivateCidrs: ['127.0.0.0/8'] } },
    });
    [site, stranger] = [await aSite(server), await aSite(server)];
    browser = personAt(server);
    await signInAt(browser, await aCitizen(server), authorizationRequest(server, site));
  });
  after(async () => {
    await servers.stopAll();
    await server.stop();
  });

  async function push(more: Readonly<Record<string, string>> = {}) {
    const request = authorizationRequest(server, site, more);
    const fields = Object.fromEntries(new URL(request.url).searchParams);
    const { body } = await postAsSite(server, site, '/request', fields);
    return { request, requestUri: String(body['request_uri']) };
  }

  const openPushed = (clientId: string, requestUri: string, more: Record<string, string> = {}) => {
    const query = new URLSearchParams({ client_id: clientId, request_uri: requestUri, ...more });
    return browser.open(`${server.issuer}/auth?${query.toString()}`);
  };

  it('P-05 takes a pushed request from the site that pushed it, not from another', async () => {
    const { request, requestUri } = await push();
    const taken = await openPushed(stranger.clientId, requestUri);
    expect(callbackOf(taken)['error']).to.match(/^invalid_request/);
    expect(taken.url).not.to.include('code=').and.not.to.include(site.redirectUri);
    // The try has not used it up.
    const owner = callbackOf(await openPushed(site.clientId, requestUri));
    expect(owner).to.include({ state: request.state }).and.to.have.property('code');
    const { requestUri: made } = await push();
    const forged = await openPushed(site.clientId, `${made.slice(0, -4)}AAAA`);
    expect(forged.url).not.to.include('code=');
  });

  it('P-05 believes only what was pushed, not what stands beside it', async () => {
    const { request, requestUri } = await push({ scope: 'openid' });
    const page = await openPushed(site.clientId, requestUri, {
      redirect_uri: 'https://evil.example/cb',
      scope: 'openid profile_basic offline_access',
      state: 'evil',
      code_challenge: 'x'.repeat(43),
    });
    expect(page.url.startsWith(site.redirectUri)).to.equal(true);
    expect(callbackOf(page)['state']).to.equal(request.state);
    const { status, body } = await redeem(server, site, request, callbackOf(page)['code'] ?? '');
    expect([status, body['scope']]).to.deep.equal([200, 'openid']);
  });

  it('P-05 refuses a push that refers to another request, or says it is somebody else', async () => {
    const { requestUri } = await push();
    const fields = Object.fromEntries(new URL(authorizationRequest(server, site).url).searchParams);
    for (const more of [{ request_uri: requestUri }, { client_id: stranger.clientId }]) {
      const { status } = await postAsSite(server, site, '/request', { ...fields, ...more });
      expect(status).to.equal(400);
    }
  });

  it('P-05 fetches no request object and reads none that is unsigned', async () => {
    let fetched = 0;
    const port = await servers.start((_request, response) => {
      fetched += 1;
      response.end('x');
    });
    const claims = { client_id: site.clientId, redirect_uri: 'https://evil.example/cb' };
    const request = new UnsecuredJWT({ ...claims, response_type: 'code' }).encode();
    for (const more of [
      { request_uri: `http://127.0.0.1:${port}/request.jwt` },
      { request_uri: `https://127.0.0.1:${port}/request.jwt` },
      { request_uri: 'file:///etc/passwd' },
      { request },
    ]) {
      const page = await browser.open(authorizationRequest(server, site, more).url);
      expect(page.url).not.to.include('code=').and.not.to.include('evil.example/cb?');
    }
    const registered = await aSite(server, {
      request_uris: [`http://127.0.0.1:${port}/request.jwt`],
    }).then(
      (found) => found,
      () => undefined,
    );
    if (registered) {
      const more = { request_uri: `http://127.0.0.1:${port}/request.jwt` };
      await browser.open(authorizationRequest(server, registered, more).url);
    }
    expect(fetched).to.equal(0);
  });

  it('I-10 writes state as text into a form that is posted to the site', async () => {
    for (const state of ['"><script>alert(1)</script>', "' onload='alert(1)", '</form><p>']) {
      const { url } = authorizationRequest(server, site, { state, response_mode: 'form_post' });
      const page = await browser.open(url);
      expect(page.status).to.equal(200);
      expect(page.text).not.to.include(state);
      expect(page.text).to.include(`action="${site.redirectUri}"`);
      const policy = page.headers.get('content-security-policy') ?? '';
      expect(policy).to.include("frame-ancestors 'none'").and.not.to.include('unsafe-inline');
      expect(page.headers.get('cache-control')).to.equal('no-store');
    }
  });

  it('P-04 answers in no mode or type that puts tokens into addresses', async () => {
    for (const more of [
      ...['token', 'id_token', 'id_token token', 'code id_token', 'code token', 'none', ''].map(
        (type) => ({ response_type: type }),
      ),
      { response_mode: 'web_message' },
      { response_mode: 'nonsense' },
    ]) {
      const page = await browser.open(authorizationRequest(server, site, more).url);
      expect(page.url, JSON.stringify(more)).not.to.match(/access_token|id_token=|[?#&]code=/);
      expect(page.text).not.to.include('name="code"');
    }
  });
});
