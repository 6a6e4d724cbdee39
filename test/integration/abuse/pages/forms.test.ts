import { expect } from 'chai';
import type { CookieBrowser } from '../../../support/cookie-browser.ts';
import { describeOnAnyDatabase } from '../../../support/databases.ts';
import {
  authorizationRequest,
  callbackOf,
  enterPassword,
  formOf,
  personAt,
  signInAt,
} from '../../../support/person.ts';
import { formRequest } from '../../../support/raw-http.ts';
import { headerOf, send } from '../../../support/site-forms.ts';
import {
  aCitizen,
  aSite,
  startTestServer,
  type Citizen,
  type Site,
  type TestServer,
} from '../../../support/test-server.ts';

interface Form {
  readonly path: string;
  readonly csrf: string;
  readonly fields: Readonly<Record<string, string>>;
}

describeOnAnyDatabase('abuse/pages: forms', (current) => {
  let server: TestServer;
  let site: Site;
  let citizen: Citizen;
  before(async function () {
    this.timeout(60_000);
    server = await startTestServer(current());
    site = await aSite(server, { government: false, scope: 'openid phone' });
    citizen = await aCitizen(server);
  });
  after(() => server.stop());

  const request = () =>
    authorizationRequest(server, site, { scope: 'openid phone', prompt: 'login consent' });
  const cookiesOf = (browser: CookieBrowser) =>
    [...browser.cookies(server.issuer)].map(([name, value]) => `${name}=${value}`).join('; ');

  /** A browser that sees every form there is: half-way through a sign-in and in the account. */
  async function everyForm() {
    const browser = personAt(server);
    const first = await aSite(server);
    await signInAt(browser, citizen, authorizationRequest(server, first));
    const other = personAt(server);
    await signInAt(other, citizen, authorizationRequest(server, first));
    const account = await browser.open(`${server.issuer}/account`);
    const password = await browser.open(request().url);
    const consent = await enterPassword(browser, await browser.open(request().url), citizen);
    const form = (page: typeof account, end: string, fields: Record<string, string>): Form => {
      const { action, csrf } = formOf(page, end);
      return { path: new URL(action).pathname, csrf, fields };
    };
    const forms = {
      password: form(password, '/password', { account: citizen.phone, password: citizen.password }),
      cancel: form(password, '/cancel', {}),
      consent: form(consent, '/consent', { decision: 'allow' }),
      endOthers: form(account, '/end-others', {}),
      endOne: form(account, '/end', {}),
      signOut: form(account, '/sign-out', {}),
      preferences: form(account, '/preferences', { look: 'elder', return_to: '/help' }),
    };
    return { browser, other, forms };
  }

  type Header = readonly [string, string];
  const post = (
    path: string,
    fields: Readonly<Record<string, string>>,
    headers: readonly Header[],
  ) => {
    const { headers: own, ...form } = formRequest(fields);
    return send(server, { target: path, ...form, headers: [...own, ...headers] });
  };

  it('I-03 refuses every form without a token, with a foreign one and with one of another form', async () => {
    const { browser, other, forms } = await everyForm();
    const cookie = ['Cookie', cookiesOf(browser)] as const;
    const foreign = await everyForm();
    for (const [name, { path, csrf, fields }] of Object.entries(forms)) {
      const others = Object.values(forms).map((form) => form.csrf);
      const wrong = [
        undefined,
        '',
        'x',
        csrf.slice(0, -1),
        `${csrf}A`,
        csrf.toLowerCase(),
        foreign.forms[name as keyof typeof forms].csrf,
        ...others.filter((token) => token !== csrf),
      ];
      for (const token of wrong) {
        const given = token === undefined ? fields : { ...fields, csrf: token };
        const answer = await post(path, given, [cookie]);
        expect(answer.status, `${name} ${token ?? 'none'}`).to.equal(403);
        expect(answer.headers.has('set-cookie') && answer.raw.includes('Max-Age=0')).to.equal(
          false,
        );
      }
      const twice = await send(server, {
        ...{ target: path, method: 'POST', body: `csrf=${csrf}&csrf=${csrf}` },
        headers: [cookie, ['Content-Type', 'application/x-www-form-urlencoded']],
      });
      expect(twice.status, name).to.equal(403);
      const inQuery = await post(`${path}?csrf=${csrf}`, fields, [cookie]);
      expect(inQuery.status, name).to.equal(403);
    }
    await expectSignedIn(browser);
    await expectSignedIn(other);
  });

  it('I-03 refuses every form that another site sends, whatever token it has', async () => {
    const { browser, other, forms } = await everyForm();
    const cookie = ['Cookie', cookiesOf(browser)] as const;
    const { host } = new URL(server.issuer);
    const foreign: Header[] = [
      ['Origin', 'https://evil.example'],
      ['Origin', 'null'],
      ['Origin', `http://evil.${host}`],
      ['Origin', server.issuer.replace('http:', 'https:')],
      ['Origin', `${server.issuer}.evil.example`],
      ['Origin', 'http://localhost:1'],
      ['Sec-Fetch-Site', 'cross-site'],
      ['Sec-Fetch-Site', 'same-site'],
      ['Sec-Fetch-Site', 'nonsense'],
    ];
    for (const [name, { path, csrf, fields }] of Object.entries(forms)) {
      for (const header of foreign) {
        const answer = await post(path, { ...fields, csrf }, [cookie, header]);
        expect(answer.status, `${name} ${header.join(': ')}`).to.equal(403);
      }
      const noCookie = await post(path, { ...fields, csrf }, []);
      expect(noCookie.status, name).to.be.oneOf([303, 400, 403]);
      expect(headerOf(noCookie, 'location') ?? '').not.to.include('code=');
    }
    await expectSignedIn(browser);
    await expectSignedIn(other);
  });

  it('I-03 refuses a token of an earlier session in the next one', async () => {
    const browser = personAt(server);
    await signInAt(browser, citizen, authorizationRequest(server, await aSite(server)));
    const old = formOf(await browser.open(`${server.issuer}/account`), '/sign-out');
    await browser.submit(old.action, { csrf: old.csrf });
    await signInAt(browser, citizen, authorizationRequest(server, await aSite(server)));
    const answer = await browser.submit(old.action, { csrf: old.csrf });
    expect(answer.status).to.equal(403);
    await expectSignedIn(browser);
  });

  it('I-03 ends no session of somebody else by its number', async () => {
    const [victim, owner] = [personAt(server), await aCitizen(server)];
    await signInAt(victim, owner, authorizationRequest(server, await aSite(server)));
    const [{ uid } = { uid: '' }] = await server.running.services.records.sessions.listOf(
      owner.accountId,
    );
    expect(uid).to.have.length.greaterThan(8);
    const { forms, browser } = await everyForm();
    const cookie = ['Cookie', cookiesOf(browser)] as const;
    const answer = await post(`/account/sessions/${uid}/end`, { csrf: forms.endOne.csrf }, [
      cookie,
    ]);
    const absent = await post('/account/sessions/absent/end', { csrf: forms.endOne.csrf }, [
      cookie,
    ]);
    expect([answer.status, headerOf(answer, 'location')]).to.deep.equal([
      absent.status,
      headerOf(absent, 'location'),
    ]);
    await expectSignedIn(victim);
  });

  async function expectSignedIn(browser: CookieBrowser): Promise<void> {
    const page = await browser.open(`${server.issuer}/account`);
    expect([page.status, new URL(page.url).pathname]).to.deep.equal([200, '/account']);
  }

  it('I-03 answers 405 to another method than a form’s, and overrides none', async () => {
    const { browser, forms } = await everyForm();
    const cookie = ['Cookie', cookiesOf(browser)] as const;
    const getless = ['cancel', 'endOthers', 'endOne', 'signOut', 'preferences'] as const;
    for (const name of getless) {
      const { path, csrf } = forms[name];
      for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE']) {
        const answer = await send(server, {
          target: `${path}?csrf=${csrf}`,
          method,
          headers: [cookie],
        });
        expect(answer.status, `${method} ${name}`).to.equal(405);
      }
      for (const override of ['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override']) {
        const headers = [cookie, [override, 'POST'] as const];
        const target = `${path}?_method=POST&csrf=${csrf}`;
        expect((await send(server, { target, headers })).status, override).to.equal(405);
      }
    }
    await expectSignedIn(browser);
  });

  it('I-03 lets methods that nobody needs do nothing on any route', async () => {
    const { browser, forms } = await everyForm();
    const paths = [
      '/',
      '/help',
      '/account',
      '/auth',
      '/token',
      '/me',
      '/jwks',
      '/session/end',
      '/request',
    ];
    const more = ['/token/introspection', '/token/revocation', '/session/end/confirm', '/absent'];
    const secret = ['X-Echo', 'do-not-echo-me'] as const;
    for (const target of [...paths, ...more, forms.password.path, '/assets/tokens.css']) {
      for (const method of [
        'TRACE',
        'PUT',
        'DELETE',
        'PATCH',
        'OPTIONS',
        'PROPFIND',
        'QUERY',
        'PURGE',
      ]) {
        const headers = [['Cookie', cookiesOf(browser)] as const, secret];
        const answer = await send(server, { target, method, headers });
        const corsOnly = method === 'OPTIONS' ? [200, 204, 404, 405] : [404, 405];
        expect(answer.status, `${method} ${target}`).to.be.oneOf(corsOnly);
        expect(answer.raw)
          .not.to.include('do-not-echo-me')
          .and.not.to.include('__Host-yrt-session=');
      }
    }
    const { url } = request();
    const head = await send(server, { target: url.slice(server.issuer.length), method: 'HEAD' });
    expect(head.status).to.equal(405);
    expect(callbackOf(await browser.open(`${url}&prompt=none`))).not.to.have.property('code');
  });
});
