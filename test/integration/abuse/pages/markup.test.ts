import { expect } from 'chai';
import { describeOnAnyDatabase } from '../../../support/databases.ts';
import {
  authorizationRequest,
  callbackOf,
  enterPassword,
  formOf,
  personAt,
  signInAt,
} from '../../../support/person.ts';
import { headerOf, send } from '../../../support/site-forms.ts';
import {
  aCitizen,
  aSite,
  startTestServer,
  type Citizen,
  type TestServer,
} from '../../../support/test-server.ts';

const MARKUP = [
  `"><script>alert(1)</script>`,
  `'><img src=x onerror=alert(1)>`,
  `</title><svg/onload=alert(1)>`,
  `javascript:alert(1)`,
  `" autofocus onfocus="alert(1)`,
  `<%= it.csrf %>`,
  `\${7*7}{{7*7}}`,
  `&lt;script&gt;`,
  `\u202Egnp.exe`,
  `政务\u200B服务\u2066网\uFEFF`,
];
const ENTITIES: Readonly<Record<string, string>> = {
  ...{ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' },
};
const asText = (value: string) =>
  value.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
const DECEPTIVE = /[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/;

describeOnAnyDatabase('abuse/pages: markup and addresses from outside', (current) => {
  let server: TestServer;
  let citizen: Citizen;
  before(async function () {
    this.timeout(60_000);
    server = await startTestServer(current());
    citizen = await aCitizen(server);
  });
  after(() => server.stop());

  /** What a value may not have become on a page. */
  function expectHarmless(html: string, value: string): void {
    expect(html, value).not.to.match(/<script(?![^>]*\ssrc="\/assets\/)/);
    expect(html, value).not.to.match(/<(?:img|svg)[^>]*\son\w+=/);
    expect(html, value).not.to.match(/<svg\/onload/);
    expect(html, value).not.to.match(/<[^>]*" (?:autofocus )?onfocus="/);
    expect(html, value).not.to.match(/(?:href|src|action)="\s*javascript:/i);
    expect(html, value).not.to.match(DECEPTIVE);
    expect(html, value).not.to.include('49{{');
  }

  it('I-10 shows names and purposes of sites as text, or refuses them at the registration', async () => {
    for (const [index, value] of MARKUP.entries()) {
      const named = {
        client_name: value,
        department_name: value,
        purpose: value,
        legal_ground: value,
      };
      const more = { client_id: `markup-${index}`, government: false, scope: 'openid phone' };
      const site = await aSite(server, { ...named, ...more }).catch(
        (error: unknown) => (error as Error).name,
      );
      if (typeof site === 'string') {
        expect(site).to.equal('ClientMetadataInvalid');
        expect(value).to.match(DECEPTIVE);
        continue;
      }
      const browser = personAt(server);
      const request = authorizationRequest(server, site, { scope: 'openid phone' });
      const password = await browser.open(request.url);
      const consent = await enterPassword(browser, password, citizen);
      for (const page of [password, consent, await browser.open(`${server.issuer}/session/end`)]) {
        expect(page.status).to.equal(200);
        expectHarmless(page.text, value);
      }
      expect(consent.text).to.include(asText(value));
    }
  });

  it('I-10 registers no link of a site that is a script', async () => {
    for (const name of ['client_uri', 'logo_uri', 'policy_uri', 'tos_uri', 'initiate_login_uri']) {
      for (const uri of ['javascript:alert(1)', 'data:text/html,x', 'JaVaScRiPt:alert(1)']) {
        const outcome = await aSite(server, { [name]: uri }).then(
          () => 'registered',
          (error: unknown) => (error as Error).name,
        );
        expect(outcome, `${name} ${uri}`).to.equal('ClientMetadataInvalid');
      }
    }
  });

  it('I-10 shows hints, accounts and parameters as text', async () => {
    const site = await aSite(server);
    for (const value of MARKUP) {
      const browser = personAt(server);
      const more = { login_hint: value, ui_locales: value, acr_values: value, display: value };
      const page = await browser.open(authorizationRequest(server, site, more).url);
      if (page.status === 200) {
        expectHarmless(page.text, value);
        const { action, csrf } = formOf(page, '/password');
        const refused = await browser.submit(action, { csrf, account: value, password: 'wrong' });
        expect(refused.status).to.be.oneOf([422, 429]);
        expectHarmless(refused.text, value);
      } else {
        expect(callbackOf(page)['error']).to.equal('invalid_request');
      }
      for (const name of ['client_id', 'redirect_uri', 'scope', 'state', 'request_uri']) {
        const { url } = authorizationRequest(server, site, { client_id: 'absent', [name]: value });
        const answer = await browser.open(url);
        expect(answer.status).to.equal(400);
        expectHarmless(answer.text, value);
      }
    }
  });

  it('I-10 gives state back as it came, inside its own parameter', async () => {
    const site = await aSite(server);
    const browser = personAt(server);
    await signInAt(browser, citizen, authorizationRequest(server, site));
    for (const state of [
      ...MARKUP,
      'a\r\nSet-Cookie: x=y',
      'a&code=evil&iss=evil',
      '#code=evil',
      '\u0000',
      '😀',
    ]) {
      const { url } = authorizationRequest(server, site, { state });
      const { pathname, search } = new URL(url);
      const jar = [...browser.cookies(server.issuer)].map(([n, v]) => `${n}=${v}`).join('; ');
      const answer = await send(server, { target: pathname + search, headers: [['Cookie', jar]] });
      const location = new URL(headerOf(answer, 'location') ?? '');
      expect(location.origin + location.pathname).to.equal(site.redirectUri);
      expect(location.searchParams.getAll('state')).to.deep.equal([state]);
      expect(location.searchParams.getAll('code')).to.have.length(1);
      expect(location.searchParams.getAll('iss')).to.deep.equal([server.issuer]);
      expect(answer.headers.get('set-cookie')?.join('\n') ?? '').not.to.include('x=y');
      await browser.open(url);
    }
  });

  it('I-10 repeats no description of its own making from a cancelled or failed request', async () => {
    const site = await aSite(server);
    const more = { error_description: MARKUP[0] ?? '', error: 'x', code: 'evil' };
    const browser = personAt(server);
    const page = await browser.open(
      authorizationRequest(server, site, { ...more, prompt: 'none' }).url,
    );
    expect(callbackOf(page)['error']).to.equal('login_required');
    expect(page.url).not.to.include('alert').and.not.to.include('evil');
  });

  const ELSEWHERE = [
    'https://evil.example/',
    '//evil.example/',
    '///evil.example/',
    '/\\evil.example/',
    '\\/evil.example/',
    '/\t/evil.example/',
    '/\n/evil.example/',
    ' //evil.example/',
    'https:evil.example',
    'evil.example',
    'javascript:alert(1)',
    'data:text/html,x',
    '/%0d%0aLocation:%20https://evil.example',
    '/help\r\nSet-Cookie: x=y',
    '/help\u0000',
    '@evil.example',
    '.evil.example',
    ':80/',
    '',
  ];

  it('I-10 leads from the switches of language and look only to paths of our own', async () => {
    const browser = personAt(server);
    const { action, csrf } = formOf(await browser.open(`${server.issuer}/help`), '/preferences');
    const jar = [...browser.cookies(server.issuer)].map(([n, v]) => `${n}=${v}`).join('; ');
    for (const target of ELSEWHERE) {
      const answer = await fetch(action, {
        method: 'POST',
        redirect: 'manual',
        headers: { cookie: jar },
        body: new URLSearchParams({ csrf, look: 'elder', return_to: target }),
      });
      const location = answer.headers.get('location');
      if (location === null) expect(answer.status, target).to.equal(400);
      else expect(new URL(location, server.issuer).origin, target).to.equal(server.issuer);
      expect(answer.headers.getSetCookie().join('\n')).not.to.include('x=y');
    }
  });

  it('I-10 leads nowhere else by a parameter that other products have', async () => {
    const names = [
      'return_to',
      'returnTo',
      'next',
      'url',
      'redirect',
      'continue',
      'service',
      'target',
    ];
    const query = names.map((name) => `${name}=https://evil.example/`).join('&');
    for (const path of [
      '/',
      '/account',
      '/account/signed-in',
      '/signed-out',
      '/session/end',
      '/help',
    ]) {
      const answer = await send(server, {
        target: `${path}?${query}`,
        headers: [['Accept', 'text/html']],
      });
      const location = headerOf(answer, 'location') ?? '/';
      expect(new URL(location, server.issuer).origin, path).to.equal(server.issuer);
      expect(location).not.to.include('evil');
      expect(answer.body.replace(/<input[^>]*name="return_to"[^>]*>/, '')).not.to.include('evil');
    }
  });
});
