import { expect } from 'chai';
import { describeOnAnyDatabase } from '../../../support/databases.ts';
import { authorizationRequest, formOf, personAt, signInAt } from '../../../support/person.ts';
import type { CookieBrowser } from '../../../support/cookie-browser.ts';
import { formRequest } from '../../../support/raw-http.ts';
import { send, siteForm } from '../../../support/site-forms.ts';
import {
  aCitizen,
  aSite,
  startTestServer,
  type Site,
  type TestServer,
} from '../../../support/test-server.ts';

/** Percent-encoded, as it stands in a query or a form. */
const HOSTILE = [
  '%00',
  'a%00b',
  '%ff%fe',
  '%ed%a0%80',
  '%',
  '%zz',
  '%F0%9F%98%80'.repeat(50),
  '%0d%0aX-Injected:%20yes',
  '%E2%80%AE',
  '__proto__',
  'constructor',
  "'%20OR%201=1--",
  '%24%7B7*7%7D%7B%7B7*7%7D%3C%25=7*7%25%3E',
  'x'.repeat(3000),
];
const AUTH_PARAMETERS = [
  ...['client_id', 'redirect_uri', 'scope', 'state', 'nonce', 'response_type', 'response_mode'],
  ...['code_challenge', 'code_challenge_method', 'prompt', 'max_age', 'acr_values', 'claims'],
  ...['login_hint', 'ui_locales', 'id_token_hint', 'resource', 'request', 'request_uri', 'display'],
  ...['registration', 'dpop_jkt', '__proto__', 'constructor', 'unknown'],
];

describeOnAnyDatabase('abuse/protocol: hostile values', (current) => {
  let server: TestServer;
  let site: Site;
  let browser: CookieBrowser;
  before(async function () {
    this.timeout(60_000);
    server = await startTestServer(current());
    site = await aSite(server);
    browser = personAt(server);
    await signInAt(browser, await aCitizen(server), authorizationRequest(server, site));
  });
  after(() => server.stop());

  const cookies = () =>
    [
      'Cookie',
      [...browser.cookies(server.issuer)].map(([n, v]) => `${n}=${v}`).join('; '),
    ] as const;

  /** All values at once: one after the other would take a minute. */
  const withEach = (check: (value: string) => Promise<unknown>) =>
    Promise.all(HOSTILE.map((value) => check(value)));

  /** Never an error of ours, never a header out of a value. */
  async function expectHandled(request: Parameters<typeof send>[1], about: string) {
    const answer = await send(server, request);
    expect(answer.status, about).to.be.lessThan(500).and.at.least(200);
    expect(answer.headers.has('x-injected'), about).to.equal(false);
    expect(answer.raw, about).not.to.match(/\b49\b.*7\*7|node_modules|at Object\.|SELECT /);
    return answer;
  }

  it('P-07 survives every hostile value in every parameter of an authorization request', async function () {
    this.timeout(60_000);
    const usual = new URL(authorizationRequest(server, site).url).searchParams;
    for (const name of AUTH_PARAMETERS) {
      const others = new URLSearchParams(usual);
      others.delete(name);
      await withEach((value) => {
        const target = `/auth?${others.toString()}&${name}=${value}`;
        return expectHandled({ target, headers: [cookies()] }, `${name}=${value}`);
      });
    }
  });

  it('P-07 survives hostile values at the endpoints that sites call', async function () {
    this.timeout(60_000);
    const request = Object.fromEntries(
      new URL(authorizationRequest(server, site).url).searchParams,
    );
    const [grant_type, redirect_uri] = ['authorization_code', site.redirectUri];
    const code = { grant_type, redirect_uri, code: 'x', code_verifier: 'x'.repeat(43) };
    const calls = [
      ['/token', code],
      ['/token', { grant_type: 'refresh_token', refresh_token: 'x', scope: 'openid' }],
      ['/token/introspection', { token: 'x', token_type_hint: 'access_token' }],
      ['/token/revocation', { token: 'x', token_type_hint: 'refresh_token' }],
      ['/request', { ...request, claims: '{}', login_hint: 'x', client_secret: 'x' }],
    ] as const;
    for (const [target, fields] of calls) {
      for (const name of Object.keys(fields)) {
        const others = new URLSearchParams(fields as Record<string, string>);
        others.delete(name);
        await withEach((value) => {
          const body = `${others.toString()}&${name}=${value}`;
          return expectHandled(
            { ...siteForm(site, target, {}), body },
            `${target} ${name}=${value}`,
          );
        });
      }
    }
  });

  it('P-07 survives hostile client names and secrets in the Authorization header', async () => {
    for (const value of [...HOSTILE, ':', '', 'a:b:c', '\u0000:x', '%00:%00', '\u00ff:\u00ff']) {
      for (const credentials of [value, `${value}:${value}`, `${site.clientId}:${value}`]) {
        const basic = `Basic ${Buffer.from(credentials, 'latin1').toString('base64')}`;
        const form = formRequest({ grant_type: 'refresh_token' });
        const headers = [...form.headers, ['Authorization', basic] as const];
        await expectHandled({ target: '/token', ...form, headers }, credentials);
      }
    }
    for (const header of [
      'Basic',
      'Basic ',
      'Bearer',
      'Bearer ',
      'Bearer \u00ff',
      'Digest x',
      ', ,',
    ]) {
      await expectHandled({ target: '/me', headers: [['Authorization', header]] }, header);
    }
  });

  it('P-07 survives hostile paths', async () => {
    const paths = HOSTILE.flatMap((value) => [
      `/${value}`,
      `/interaction/${value}`,
      `/interaction/${value}/password`,
      `/auth/${value}`,
      `/assets/${value}`,
      `/account/sessions/${value}/end`,
      `/session/end/${value}`,
    ]);
    const traversal = ['/assets/../../package.json', '/assets/%2e%2e/%2e%2e/package.json'];
    for (const target of [...paths, ...traversal, '/assets/..%2f..%2fpackage.json']) {
      const answer = await expectHandled({ target, headers: [cookies()] }, target);
      expect(answer.status, target).to.be.oneOf([303, 400, 404, 405]);
      expect(answer.body).not.to.include('"yirentong"');
    }
  });

  it('P-07 survives hostile cookies', async () => {
    const names = ['session', 'interaction', 'resume', 'device', 'site', 'locale', 'look'];
    for (const value of [...HOSTILE, '', '"', 'a=b', '\u00ff']) {
      const header = names.map(
        (name) => `__Host-yrt-${name}=${value}; __Host-yrt-${name}.sig=${value}`,
      );
      for (const target of ['/account', '/help', '/auth', '/session/end', '/signed-out']) {
        await expectHandled({ target, headers: [['Cookie', header.join('; ')]] }, value);
      }
    }
  });

  it('P-07 survives hostile values in every field of our own forms', async function () {
    this.timeout(60_000);
    const person = personAt(server);
    const page = await person.open(authorizationRequest(server, site).url);
    const { action, csrf } = formOf(page, '/password');
    const jar = [...person.cookies(server.issuer)].map(([n, v]) => `${n}=${v}`).join('; ');
    const post = (target: string, body: string) => ({
      ...{ target, method: 'POST', body },
      headers: [
        ['Content-Type', 'application/x-www-form-urlencoded'],
        ['Cookie', jar],
      ] as [string, string][],
    });
    const { pathname } = new URL(action);
    const names = ['account', 'password', 'csrf', '__proto__[account]', 'account[x]', 'account[]'];
    await withEach(async (value) => {
      for (const name of names) {
        const others = ['csrf', 'account', 'password'].filter((other) => other !== name);
        const body = [
          ...others.map((o) => `${o}=${o === 'csrf' ? csrf : 'x'}`),
          `${name}=${value}`,
        ];
        const answer = await expectHandled(post(pathname, body.join('&')), `${name}=${value}`);
        expect(answer.status, `${name}=${value}`).to.be.oneOf([400, 403, 422, 429]);
      }
      for (const name of ['return_to', 'look', 'locale']) {
        const token = formOf(page, '/preferences').csrf;
        const body = `csrf=${token}&look=standard&return_to=/help&${name}=${value}`;
        await expectHandled(post('/preferences', body), `${name}=${value}`);
      }
    });
  });

  it('P-07 reads forms only as forms, of a bounded size, in a known encoding', async () => {
    const types = [
      ['application/json', '{"grant_type":"refresh_token","__proto__":{"x":1}}', [400, 403]],
      ['multipart/form-data; boundary=x', '--x--', [400, 403]],
      ['text/plain', 'grant_type=refresh_token', [400, 403]],
      ['application/x-www-form-urlencoded; charset=utf-7', 'a=b', [400, 401, 403]],
      ['application/x-www-form-urlencoded; charset=\u00ff', 'a=b', [400, 401, 403]],
      ['', 'a=b', [400, 403]],
    ] as const;
    for (const target of ['/token', '/preferences', '/session/end/confirm', '/auth']) {
      for (const [type, body, statuses] of types) {
        const headers = [['Content-Type', type]] as const;
        const answer = await expectHandled(
          { target, method: 'POST', headers, body },
          `${target} ${type}`,
        );
        expect(answer.status, `${target} ${type}`).to.be.oneOf([...statuses, 303]);
      }
      for (const encoding of ['gzip', 'br', 'x']) {
        const headers = [
          ['Content-Type', 'application/x-www-form-urlencoded'],
          ['Content-Encoding', encoding],
        ] as const;
        await expectHandled(
          { target, method: 'POST', headers, body: 'x=y' },
          `${target} ${encoding}`,
        );
      }
      const big = siteForm(site, target, { a: 'x'.repeat(100_000) });
      expect((await expectHandled(big, `${target} big`)).status).to.be.oneOf([400, 403, 413]);
      const many = Array.from({ length: 3000 }, (_, i) => [`f${i}`, 'x'] as const);
      await expectHandled(siteForm(site, target, many), `${target} many`);
    }
  });
});
