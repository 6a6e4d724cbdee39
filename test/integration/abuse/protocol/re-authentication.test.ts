import { expect } from 'chai';
import { setTimeout as wait } from 'node:timers/promises';
import type { CookieBrowser, Page } from '../../../support/cookie-browser.ts';
import { describeOnAnyDatabase } from '../../../support/databases.ts';
import {
  authorizationRequest,
  callbackOf,
  claimsOf,
  enterPassword,
  formOf,
  personAt,
  redeem,
  signInAt,
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

const SESSION = '__Host-yrt-session';
const AAL = (level: number) => `urn:yirentong:aal:${level}`;

describeOnAnyDatabase('abuse/protocol: signing in again', (current) => {
  let server: TestServer;
  let site: Site;
  let citizen: Citizen;
  let browser: CookieBrowser;
  before(async function () {
    this.timeout(60_000);
    server = await startTestServer(current());
    site = await aSite(server);
    citizen = await aCitizen(server);
  });
  after(() => server.stop());
  beforeEach(() => {
    browser = personAt(server);
  });

  const cookie = () => browser.cookies(server.issuer).get(SESSION);

  async function idTokenOf(request: SiteRequest, code = '') {
    const { body } = await redeem(server, site, request, code);
    return claimsOf(body.id_token ?? '');
  }

  async function signedIn() {
    const request = authorizationRequest(server, site);
    const { code } = await signInAt(browser, citizen, request);
    return { idToken: await idTokenOf(request, code), cookie: cookie() };
  }

  async function ask(more: Readonly<Record<string, string>>) {
    const request = authorizationRequest(server, site, more);
    return { request, page: await browser.open(request.url) };
  }

  const isSignInPage = ({ status, text }: Page) => status === 200 && text.includes('/password"');

  async function cancel(page: Page) {
    const { action, csrf } = formOf(page, '/cancel');
    return callbackOf(await browser.submit(action, { csrf }));
  }

  it('P-21 leaves the session as it was when prompt=login is cancelled', async () => {
    const before = await signedIn();
    const { request, page } = await ask({ prompt: 'login' });
    expect(isSignInPage(page)).to.equal(true);
    const callback = await cancel(page);
    expect(callback).to.include({ error: 'access_denied', state: request.state });
    expect(callback).not.to.have.property('code');
    const silent = await ask({ prompt: 'none' });
    const idToken = await idTokenOf(silent.request, callbackOf(silent.page)['code']);
    for (const claim of ['sub', 'auth_time', 'acr', 'sid']) {
      expect(idToken[claim], claim).to.deep.equal(before.idToken[claim]);
    }
  });

  for (const [title, more] of [
    ['prompt=login', { prompt: 'login' }],
    ['max_age=0', { max_age: '0' }],
    ['max_age=1 after two seconds', { max_age: '1' }],
  ] as const) {
    it(`P-21 asks for the password again for ${title}, and begins anew`, async function () {
      this.timeout(20_000);
      const before = await signedIn();
      await wait(2100);
      const { request, page } = await ask(more);
      expect(isSignInPage(page)).to.equal(true);
      const callback = callbackOf(await enterPassword(browser, page, citizen));
      const idToken = await idTokenOf(request, callback['code']);
      expect(Number(idToken['auth_time'])).to.be.greaterThan(Number(before.idToken['auth_time']));
      expect(cookie()).not.to.equal(before.cookie);
    });
  }

  it('P-21 believes no result of an older sign-in: the same page answers once', async () => {
    await signedIn();
    const { page } = await ask({ prompt: 'login' });
    const { action, csrf } = formOf(page, '/password');
    const fields = { csrf, account: citizen.phone, password: citizen.password };
    const first = await browser.submit(action, fields);
    expect(callbackOf(first)).to.have.property('code');
    const again = await browser.submit(action, fields);
    expect(again.status).to.equal(400);
    expect(again.url).not.to.include('code=');
  });

  it('P-21 refuses max_age values that are no seconds', async () => {
    await signedIn();
    for (const value of ['-1', '1e999', 'x', '0x10000000000000000000', '1.5', 'NaN']) {
      const { page } = await ask({ max_age: value });
      expect(callbackOf(page)['error'], value).to.equal('invalid_request');
    }
  });

  const demand = (acr: unknown) => ({ claims: JSON.stringify({ id_token: { acr } }) });

  it('P-22 answers a demand that nothing here can meet with the error, in or out of a session', async () => {
    for (const acr of [
      { essential: true, value: AAL(3) },
      { essential: true, values: [AAL(3)] },
      { essential: true, values: [AAL(2), AAL(3)] },
      { essential: true, value: 'urn:unknown' },
      { essential: true, values: [] },
    ]) {
      const { page } = await ask({ ...demand(acr), acr_values: AAL(1) });
      expect(callbackOf(page)['error']).to.equal('unmet_authentication_requirements');
      expect(callbackOf(page)).not.to.have.property('code');
    }
    await signedIn();
    const { page } = await ask({ ...demand({ essential: true, value: AAL(3) }), prompt: 'none' });
    expect(callbackOf(page)['error']).to.equal('unmet_authentication_requirements');
  });

  it('P-22 shows a site that always demands more than can be reached the same error', async () => {
    const strict = await aSite(server, { min_acr: AAL(2) });
    await signedIn();
    const page = await browser.open(authorizationRequest(server, strict).url);
    expect(callbackOf(page)['error']).to.equal('unmet_authentication_requirements');
  });

  it('P-22 claims what was proven, not what was wished for', async () => {
    for (const more of [
      { acr_values: `${AAL(3)} ${AAL(2)}` },
      demand({ values: [AAL(3)] }),
      demand({ value: AAL(3) }),
      demand({ essential: false, value: AAL(3) }),
      demand({ essential: 'true', value: AAL(3) }),
      demand(null),
      demand({ essential: true, values: [AAL(3), AAL(1)] }),
    ]) {
      const request = authorizationRequest(server, site, more);
      const { code } = await signInAt(browser, citizen, request);
      const { acr, amr } = await idTokenOf(request, code);
      expect({ acr, amr }, JSON.stringify(more)).to.deep.equal({ acr: AAL(1), amr: ['pwd'] });
    }
  });

  it('P-23 answers prompt=none without a session with login_required, without a page', async () => {
    const { page, request } = await ask({ prompt: 'none' });
    expect(page.status).to.equal(303);
    expect(callbackOf(page)).to.include({ error: 'login_required', state: request.state });
    expect(callbackOf(page)['iss']).to.equal(server.issuer);
  });

  it('P-23 answers prompt=none without consent with consent_required', async () => {
    const private_ = await aSite(server, { government: false, scope: 'openid profile' });
    await signedIn();
    const request = authorizationRequest(server, private_, {
      prompt: 'none',
      scope: 'openid profile',
    });
    const callback = callbackOf(await browser.open(request.url));
    expect(callback['error']).to.equal('consent_required');
    expect(callback).not.to.have.property('code');
  });

  it('P-23 answers prompt=none with a hint at somebody else with login_required', async () => {
    const other = await aCitizen(server);
    const request = authorizationRequest(server, site);
    const theirs = personAt(server);
    const { code = '' } = await signInAt(theirs, other, request);
    const { body } = await redeem(server, site, request, code);
    await signedIn();
    const { page } = await ask({ prompt: 'none', id_token_hint: body.id_token ?? '' });
    expect(callbackOf(page)['error']).to.equal('login_required');
    const forged = `${(body.id_token ?? '').slice(0, -8)}AAAAAAAA`;
    const second = await ask({ prompt: 'none', id_token_hint: forged });
    expect(callbackOf(second.page)['error']).to.equal('invalid_request');
  });

  it('P-23 refuses prompt=none beside another prompt', async () => {
    await signedIn();
    for (const prompt of ['none login', 'none consent', 'login none']) {
      expect(callbackOf((await ask({ prompt })).page)['error']).to.equal('invalid_request');
    }
  });

  it('P-23 gives prompt=none nothing after the person signed out', async () => {
    await signedIn();
    const stolen = cookie() ?? '';
    const account = await browser.open(`${server.issuer}/account`);
    const { action, csrf } = formOf(account, '/sign-out');
    await browser.submit(action, { csrf });
    expect(cookie()).to.equal(undefined);
    const { url } = authorizationRequest(server, site, { prompt: 'none' });
    const signature = browser.cookies(server.issuer).get(`${SESSION}.sig`) ?? '';
    const answer = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: `${SESSION}=${stolen}; ${SESSION}.sig=${signature}` },
    });
    expect(answer.headers.get('location')).to.include('error=login_required');
  });
});
