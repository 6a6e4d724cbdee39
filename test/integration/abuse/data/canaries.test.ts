// ABUSE-CASES D-01: after full journeys nothing of them can be read in the database or in the log.
import { expect } from 'chai';
import { residentIdNumber } from '../../../support/test-server.ts';
import { Canaries } from '../../../support/canaries.ts';
import { runOn } from '../../../support/commands.ts';
import type { CookieBrowser } from '../../../support/cookie-browser.ts';
import { describeOnEachDatabase } from '../../../support/databases.ts';
import { dumpEverything } from '../../../support/dump.ts';
import {
  authorizationRequest,
  callbackOf,
  decide,
  enterPassword,
  formOf,
  personAt,
  postAsSite,
  redeem,
  userinfo,
  type SiteRequest,
} from '../../../support/person.ts';
import {
  aCitizen,
  aSite,
  startTestServer,
  type Citizen,
  type Site,
  type TestServer,
} from '../../../support/test-server.ts';

const SCOPE = 'openid profile phone email offline_access';

describeOnEachDatabase('abuse/data: canaries', (current) => {
  const canaries = new Canaries();
  let server: TestServer;
  let site: Site;
  let citizen: Citizen;
  before(async function () {
    this.timeout(60_000);
    server = await startTestServer(current());
    site = await aSite(server, {
      government: false,
      scope: SCOPE,
      client_secret: 'canary-client-secret-0123456789',
    });
    canaries.add('client secret', site.secret);
    citizen = await aCitizen(server, {
      name: '金丝雀一号',
      phone: '13987654321',
      username: 'canary-username',
      password: 'Canary-Password-2026',
      idNumber: residentIdNumber(777),
    });
    await runAllJourneys();
  });
  after(() => server.stop());

  const addRequest = ({ verifier, state, nonce }: SiteRequest) => {
    canaries.add('code_verifier', verifier);
    canaries.add('state', state);
    canaries.add('nonce', nonce);
  };
  const addTokens = (body: Readonly<Record<string, unknown>>) => {
    for (const name of ['access_token', 'refresh_token', 'id_token']) {
      canaries.add(name, String(body[name]));
    }
  };

  /** Wrong answers, and what people put into the wrong fields. */
  const mistakes = async (browser: CookieBrowser, request: SiteRequest) => {
    const page = await browser.open(request.url);
    canaries.addCookies(browser, server.issuer);
    canaries.add('wrong password', 'Canary-Wrong-Password-1');
    await enterPassword(browser, page, { ...citizen, password: 'Canary-Wrong-Password-1' });
    // The password in the account field, as people do.
    const { action, csrf } = formOf(page, '/password');
    await browser.submit(action, { csrf, account: citizen.password, password: citizen.phone });
    await browser.submit(action, { csrf: 'canary-csrf-token', account: citizen.phone });
    await browser.submit(action, { csrf, account: citizen.idNumber ?? '', password: 'x' });
    await browser.open(`${server.issuer}/nowhere/${citizen.phone}?code=canary-query-code`);
    canaries.add('csrf', csrf);
    canaries.add('query of a page that is not there', 'canary-query-code');
    return page;
  };

  const signInAndConsent = async (browser: CookieBrowser, request: SiteRequest) => {
    const page = await mistakes(browser, request);
    const consent = await enterPassword(browser, page, citizen);
    canaries.addCookies(browser, server.issuer);
    const callback = callbackOf(await decide(browser, consent));
    canaries.addCookies(browser, server.issuer);
    canaries.add('code', callback['code']);
    return callback['code'] ?? '';
  };

  const useTokens = async (request: SiteRequest, code: string) => {
    const { body } = await redeem(server, site, request, code);
    addTokens(body);
    const access = body.access_token ?? '';
    expect((await userinfo(server, access)).body).to.include({ name: citizen.name });
    await postAsSite(server, site, '/token/introspection', { token: access });
    const fields = { grant_type: 'refresh_token', refresh_token: body.refresh_token ?? '' };
    const refreshed = await postAsSite(server, site, '/token', fields);
    addTokens(refreshed.body);
    await userinfo(server, 'canary-invalid-bearer-token');
    canaries.add('bearer that is none', 'canary-invalid-bearer-token');
    return refreshed.body.id_token ?? '';
  };

  /** What a site gets wrong: a code twice, a wrong secret, a wrong verifier, a pushed request. */
  const sitesMistakes = async (request: SiteRequest, code: string) => {
    await redeem(server, site, request, code);
    const wrong = { ...site, secret: 'canary-wrong-secret-0123456789' };
    canaries.add('wrong client secret', wrong.secret);
    await redeem(server, wrong, request, 'canary-code-of-nobody-0123456789');
    canaries.add('code of nobody', 'canary-code-of-nobody-0123456789');
    const pushed = authorizationRequest(server, site, {
      scope: SCOPE,
      login_hint: citizen.phone,
    });
    addRequest(pushed);
    const parameters = Object.fromEntries(new URL(pushed.url).searchParams);
    const { body } = await postAsSite(server, site, '/request', parameters);
    canaries.add('request_uri', String(body['request_uri']).split(':').at(-1));
    const query = new URLSearchParams({
      client_id: site.clientId,
      request_uri: String(body['request_uri']),
    });
    await personAt(server).open(`${server.issuer}/auth?${query.toString()}`);
    const near = { redirect_uri: 'https://canary-redirect.example/', state: 'canary-state-abc' };
    canaries.add('state of a refused request', near.state);
    await personAt(server).open(authorizationRequest(server, site, near).url);
  };

  async function runAllJourneys() {
    const browser = personAt(server);
    const request = authorizationRequest(server, site, {
      scope: SCOPE,
      login_hint: 'canary-login-hint@example.com',
    });
    addRequest(request);
    canaries.add('login_hint', 'canary-login-hint@example.com');
    for (const name of ['phone', 'username', 'password', 'idNumber'] as const) {
      canaries.add(name, citizen[name]);
    }
    canaries.addName(citizen.name);
    canaries.add('phone in E.164', `+86${citizen.phone}`);
    canaries.add('mail', `${citizen.username}@example.com`);

    const code = await signInAndConsent(browser, request);
    const idToken = await useTokens(request, code);
    const account = await browser.open(`${server.issuer}/account`);
    expect(account.status).to.equal(200);
    const silent = authorizationRequest(server, site, {
      scope: SCOPE,
      prompt: 'none',
      id_token_hint: idToken,
    });
    addRequest(silent);
    canaries.add('code', callbackOf(await browser.open(silent.url))['code']);
    await sitesMistakes(request, code);

    const hint = new URLSearchParams({ id_token_hint: idToken, state: 'canary-logout-state' });
    canaries.add('state of a sign-out', 'canary-logout-state');
    const signOut = await browser.open(`${server.issuer}/session/end?${hint.toString()}`);
    const { action } = formOf(signOut, '/session/end/confirm');
    const xsrf = /name="xsrf"[^>]*value="([^"]*)"/.exec(signOut.text)?.[1] ?? '';
    canaries.add('sign-out token', xsrf);
    await browser.submit(action, { xsrf, logout: 'yes' });
    const locked = await runOn(server, current(), 'account', 'lock', citizen.phone, 'stolen');
    expect(locked.exitCode).to.equal(0);
    expect(canaries.foundIn(locked.output)).to.deep.equal([]);
  }

  it('D-01 leaves no canary in any table', async () => {
    const dump = await dumpEverything(current());
    expect(dump).to.include('authn_login_success').and.to.include(site.clientId);
    expect(canaries.foundIn(dump)).to.deep.equal([]);
  });

  it('D-01 leaves no canary in any log line', () => {
    const log = server.logLines.join('\n');
    expect(server.logLines.length).to.be.above(20);
    expect(canaries.foundIn(log)).to.deep.equal([]);
  });

  it('D-01 would find them', () => {
    expect(canaries.size).to.be.above(35);
    for (const line of [citizen.phone, Buffer.from(citizen.name).toString('hex')]) {
      expect(canaries.foundIn(line)).not.to.deep.equal([]);
    }
  });
});
