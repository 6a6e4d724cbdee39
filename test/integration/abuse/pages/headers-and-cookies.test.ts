import { expect } from 'chai';
import type { CookieBrowser } from '../../../support/cookie-browser.ts';
import { describeOnAnyDatabase } from '../../../support/databases.ts';
import {
  authorizationRequest,
  enterPassword,
  formOf,
  personAt,
  redeem,
  signInAt,
} from '../../../support/person.ts';
import type { RawAnswer } from '../../../support/raw-http.ts';
import { codeFields, headerOf, jsonOf, send, siteForm } from '../../../support/site-forms.ts';
import {
  aCitizen,
  aSite,
  startTestServer,
  type Citizen,
  type Site,
  type TestServer,
} from '../../../support/test-server.ts';

const HTML = ['Accept', 'text/html'] as const;

describeOnAnyDatabase('abuse/pages: headers and cookies', (current) => {
  let server: TestServer;
  let site: Site;
  let citizen: Citizen;
  before(async function () {
    this.timeout(60_000);
    server = await startTestServer(current());
    site = await aSite(server);
    citizen = await aCitizen(server, { name: '诸葛测试' });
  });
  after(() => server.stop());

  const cookiesOf = (browser: CookieBrowser) =>
    [
      'Cookie',
      [...browser.cookies(server.issuer)].map(([name, value]) => `${name}=${value}`).join('; '),
    ] as const;

  function expectPageHeaders(answer: RawAnswer, about: string): void {
    const policy = headerOf(answer, 'content-security-policy') ?? '';
    const directives = new Map(
      policy.split(/;\s*/).map((part) => [part.split(' ')[0] ?? '', part.split(' ').slice(1)]),
    );
    expect(directives.get('default-src'), about).to.deep.equal(["'none'"]);
    expect(directives.get('frame-ancestors'), about).to.deep.equal(["'none'"]);
    expect(directives.get('base-uri'), about).to.deep.equal(["'none'"]);
    expect(directives.get('form-action')?.[0], about).to.equal("'self'");
    expect(directives.get('script-src')?.join(' '), about).to.match(/'nonce-[\w-]{22}'/);
    expect(policy, about).not.to.match(/unsafe-|\*|https:(?!\/\/)|http:(?!\/\/)/);
    expect(headerOf(answer, 'cache-control'), about).to.equal('no-store');
    expect(headerOf(answer, 'x-content-type-options'), about).to.equal('nosniff');
    expect(headerOf(answer, 'x-frame-options'), about).to.equal('DENY');
    expect(headerOf(answer, 'referrer-policy'), about).to.equal('same-origin');
    expect(headerOf(answer, 'permissions-policy'), about).to.include('camera=()');
    expect(headerOf(answer, 'cross-origin-resource-policy'), about).to.equal('same-origin');
    expect(answer.headers.has('x-powered-by') || answer.headers.has('server'), about).to.equal(
      false,
    );
    expect(answer.headers.has('access-control-allow-origin'), about).to.equal(false);
  }

  it('I-08 sends every page, errors too, with the headers and nothing that may be stored', async () => {
    const browser = personAt(server);
    const privateSite = await aSite(server, { government: false, scope: 'openid phone' });
    const { url } = authorizationRequest(server, privateSite, { scope: 'openid phone' });
    const password = await browser.open(url);
    const { pathname } = new URL(password.url);
    const pages: [string, number][] = [
      [pathname, 200],
      ...['/help', '/agreement', '/privacy', '/signed-out'].map((p): [string, number] => [p, 200]),
      ['/absent', 404],
      ['/assets/absent.css', 404],
      ['/interaction/absent/password', 400],
      ['/auth/absent', 400],
      ['/auth', 400],
      ['/auth?client_id=absent', 400],
      [`/auth?client_id=${site.clientId}&redirect_uri=https://evil.example/`, 400],
      ['/session/end?id_token_hint=x', 400],
      ['/session/end', 200],
      ['/session/end/success', 200],
      [`/session/end/success?client_id=${site.clientId}`, 200],
      ['/preferences', 405],
    ];
    for (const [target, status] of pages) {
      const answer = await send(server, { target, headers: [HTML, cookiesOf(browser)] });
      expect(answer.status, target).to.equal(status);
      expect(headerOf(answer, 'content-type'), target).to.include('text/html');
      expectPageHeaders(answer, target);
    }
    const consent = await enterPassword(browser, password, citizen);
    const signedIn = [HTML, cookiesOf(browser)];
    for (const target of [new URL(consent.url).pathname, '/account', '/session/end']) {
      const answer = await send(server, { target, headers: signedIn });
      expect(answer.status, target).to.equal(200);
      expectPageHeaders(answer, target);
    }
    const wrongHost = await send(server, { target: '/', headers: [HTML], host: 'evil.example' });
    expectPageHeaders(wrongHost, 'wrong host');
  });

  it('I-08 gives each page its own nonce and uses it for no script in the page', async () => {
    const nonces = new Set<string>();
    for (let count = 0; count < 5; count += 1) {
      const { raw, body } = await send(server, { target: '/help', headers: [HTML] });
      nonces.add(/'nonce-([\w-]+)'/.exec(raw)?.[1] ?? '');
      expect(body).not.to.match(/<script(?![^>]*\ssrc="\/assets\/)/);
      expect(body).not.to.match(/\son\w+=|style="|<style|javascript:/);
      expect(body.replaceAll('https://beian', '')).not.to.match(
        /(?:src|href|action)="(?:https?:)?\/\//,
      );
    }
    expect(nonces.size).to.equal(5);
  });

  it('I-08 lets only the asking site be the end of a form', async () => {
    const page = await personAt(server).open(authorizationRequest(server, site).url);
    const policy = page.headers.get('content-security-policy') ?? '';
    const { origin } = new URL(site.redirectUri);
    expect(policy).to.include(`form-action 'self' ${origin};`);
  });

  it('I-08 sends HSTS where the issuer is https, and only there', async () => {
    const plain = await send(server, { target: '/help' });
    expect(plain.headers.has('strict-transport-security')).to.equal(false);
    const host = 'login.gov.example';
    const { keys } = server.foundations;
    const behindTls = await startTestServer(current(), {
      keys,
      settings: { issuer: `https://${host}` },
    });
    const answer = await send(behindTls, { target: '/help', host });
    await behindTls.stop();
    expect(headerOf(answer, 'strict-transport-security')).to.match(/^max-age=31536000/);
  });

  it('I-08 lets no token, claim or error of the protocol be stored', async () => {
    const request = authorizationRequest(server, site);
    const { code = '' } = await signInAt(personAt(server), citizen, request);
    const tokens = await send(server, siteForm(site, '/token', codeFields(site, request, code)));
    const bearer = ['Authorization', `Bearer ${String(jsonOf(tokens)['access_token'])}`] as const;
    const answers = [
      tokens,
      await send(server, { target: '/me', headers: [bearer] }),
      await send(server, { target: '/me' }),
      await send(server, siteForm(site, '/token', { grant_type: 'x' })),
      await send(server, siteForm(site, '/token/introspection', { token: 'x' })),
      await send(server, siteForm(site, '/request', { response_type: 'code' })),
    ];
    for (const answer of answers) {
      expect(headerOf(answer, 'cache-control')).to.equal('no-store');
      expect(headerOf(answer, 'x-content-type-options')).to.equal('nosniff');
    }
    expect((await redeem(server, site, request, code)).status).to.equal(400);
  });

  it('I-12 sets only __Host- cookies: Secure, HttpOnly, SameSite=Lax, of the whole host', async () => {
    const seen = new Set<string>();
    const browser = personAt(server);
    const page = await browser.open(authorizationRequest(server, site).url);
    const { action, csrf } = formOf(page, '/password');
    const steps: readonly [string, RequestInit][] = [
      [authorizationRequest(server, site).url, {}],
      [page.url, {}],
      [
        action,
        {
          method: 'POST',
          body: new URLSearchParams({ csrf, account: citizen.phone, password: citizen.password }),
        },
      ],
      [`${server.issuer}/auth/${new URL(action).pathname.split('/')[2] ?? ''}`, {}],
    ];
    for (const [url, init] of steps) {
      const response = await fetch(url, {
        ...init,
        redirect: 'manual',
        headers: { cookie: cookiesOf(browser)[1], accept: 'text/html' },
      });
      for (const line of response.headers.getSetCookie()) {
        const [name = ''] = line.split('=');
        seen.add(name.replace(/\.[\w-]{15,}/, ''));
        expect(line).to.match(/^__Host-yrt-/);
        const attributes = line.toLowerCase().split('; ').slice(1);
        expect(attributes, line).to.include.members([
          'path=/',
          'secure',
          'httponly',
          'samesite=lax',
        ]);
        expect(line.toLowerCase(), line).not.to.include('domain=');
      }
    }
    expect([...seen]).to.include.members(['__Host-yrt-session', '__Host-yrt-session.sig']);
  });

  it('I-12 believes no cookie whose value or signature was changed', async () => {
    const browser = personAt(server);
    await signInAt(browser, citizen, authorizationRequest(server, site));
    const jar = browser.cookies(server.issuer);
    const [value, signature] = ['', '.sig'].map((end) => jar.get(`__Host-yrt-session${end}`) ?? '');
    const account = async (cookie: string) =>
      (await send(server, { target: '/account', headers: [['Cookie', cookie]] })).status;
    const name = '__Host-yrt-session';
    expect(await account(`${name}=${value}; ${name}.sig=${signature}`)).to.equal(200);
    for (const cookie of [
      `${name}=${value}`,
      `${name}=${value}; ${name}.sig=`,
      `${name}=${value}x; ${name}.sig=${signature}`,
      `${name}=${value}; ${name}.sig=${signature?.toLowerCase() ?? ''}`,
      `${name}=planted; ${name}.sig=${signature}`,
      `yrt-session=${value}; yrt-session.sig=${signature}`,
      `__host-yrt-session=${value}; __host-yrt-session.sig=${signature}`,
    ]) {
      expect(await account(cookie), cookie).to.equal(303);
    }
  });

  it('I-12 leaves nothing of the person behind at a sign-out', async () => {
    const browser = personAt(server);
    await signInAt(browser, citizen, authorizationRequest(server, site));
    const page = await browser.open(`${server.issuer}/account`);
    expect(page.text).to.include('诸**试').and.not.to.include(citizen.name);
    expect(page.text).not.to.include(citizen.idNumber).and.not.to.include(citizen.phone);
    const { action, csrf } = formOf(page, '/sign-out');
    const before = cookiesOf(browser);
    const answer = await fetch(action, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie: before[1] },
      body: new URLSearchParams({ csrf }),
    });
    expect(answer.headers.get('clear-site-data')).to.equal('"cache", "storage"');
    expect(answer.headers.getSetCookie().join()).to.match(
      /__Host-yrt-session=;[^,]*expires=Thu, 01 Jan 1970/i,
    );
    // Back: the page was not to be stored, and asking for it again shows nobody.
    const again = await send(server, { target: '/account', headers: [before, HTML] });
    expect(again.status).to.equal(303);
    expect(again.body).not.to.include('诸葛');
  });
});
