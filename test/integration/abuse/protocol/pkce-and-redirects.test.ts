import { expect } from 'chai';
import { describeOnAnyDatabase } from '../../../support/databases.ts';
import {
  authorizationRequest,
  callbackOf,
  personAt,
  postAsSite,
  redeem,
  signInAt,
} from '../../../support/person.ts';
import type { CookieBrowser } from '../../../support/cookie-browser.ts';
import {
  aCitizen,
  aSite,
  startTestServer,
  type Site,
  type TestServer,
} from '../../../support/test-server.ts';

const REGISTERED = 'https://site.gov.example/callback';

describeOnAnyDatabase('abuse/protocol: PKCE and redirect URIs', (current) => {
  let server: TestServer;
  let site: Site;
  let browser: CookieBrowser;
  before(async function () {
    this.timeout(60_000);
    server = await startTestServer(current());
    site = await aSite(server, { redirect_uris: [REGISTERED] });
    browser = personAt(server);
    await signInAt(browser, await aCitizen(server), authorizationRequest(server, site));
  });
  after(() => server.stop());

  /** The callback's parameters for a signed-in person. */
  async function askWith(more: Readonly<Record<string, string | undefined>>, from = site) {
    const request = authorizationRequest(server, from, more);
    const page = await browser.open(request.url);
    return { request, page, callback: callbackOf(page) };
  }

  for (const [title, more] of [
    ['no code_challenge', { code_challenge: undefined, code_challenge_method: undefined }],
    ['only a method', { code_challenge: undefined }],
    ['the method plain', { code_challenge_method: 'plain' }],
    ['no method, which means plain', { code_challenge_method: undefined }],
    ['an unknown method', { code_challenge_method: 'S512' }],
    ['an empty challenge', { code_challenge: '' }],
    ['a short challenge', { code_challenge: 'abc' }],
  ] as const) {
    it(`P-04 gives no code for ${title}`, async () => {
      const { callback } = await askWith(more);
      expect(callback['error']).to.equal('invalid_request');
      expect(callback).not.to.have.property('code');
    });
  }

  for (const [title, verifierFor] of [
    ['without a verifier', () => undefined],
    ['with another verifier', () => 'x'.repeat(64)],
    [
      'with the challenge as verifier',
      (url: string) => new URL(url).searchParams.get('code_challenge'),
    ],
    ['with an empty verifier', () => ''],
  ] as const) {
    it(`P-04 gives no tokens ${title}`, async () => {
      const { request, callback } = await askWith({});
      const verifier = verifierFor(request.url) ?? undefined;
      const { status, body } = await postAsSite(server, site, '/token', {
        grant_type: 'authorization_code',
        code: callback['code'] ?? '',
        redirect_uri: REGISTERED,
        ...(verifier !== undefined && { code_verifier: verifier }),
      });
      expect(status).to.equal(400);
      expect(body).not.to.have.any.keys('access_token', 'id_token');
    });
  }

  it('P-04 gives no tokens for a verifier where the request had no challenge', async () => {
    const exempt = await aSite(server, { require_pkce: false });
    const { request, callback } = await askWith(
      { code_challenge: undefined, code_challenge_method: undefined },
      exempt,
    );
    expect(callback['code']).to.be.a('string');
    const { status } = await redeem(server, exempt, request, callback['code'] ?? '');
    expect(status).to.equal(400);
  });

  it('P-04 demands a challenge of a public client, whatever its registration says', async () => {
    const spa = await aSite(server, { token_endpoint_auth_method: 'none', require_pkce: false });
    const { callback } = await askWith(
      { code_challenge: undefined, code_challenge_method: undefined },
      spa,
    );
    expect(callback['error']).to.equal('invalid_request');
  });

  const NEAR = [
    'https://site.gov.example.evil.example/callback',
    'https://evil-site.gov.example/callback',
    'https://site.gov.example/callback/../evil',
    'https://site.gov.example/x/../callback',
    'https://site.gov.example/./callback',
    'https://site.gov.example/%63allback',
    'https://site.gov.example/callback%2f',
    'https://site.gov.example/callback%00',
    'https://site.gov.example/callback/',
    'https://site.gov.example//callback',
    'https://site.gov.example/Callback',
    'https://SITE.gov.example/callback',
    'HTTPS://site.gov.example/callback',
    'http://site.gov.example/callback',
    'https://site.gov.example:443/callback',
    'https://site.gov.example:8443/callback',
    'https://site.gov.example./callback',
    'https://user@site.gov.example/callback',
    'https://site.gov.example@evil.example/callback',
    'https://site.gov.example\\@evil.example/callback',
    'https://site.gov.example/callback?next=1',
    'https://site.gov.example/callback?',
    'https://site.gov.example/callback#',
    'https://site.gov.example/callback#fragment',
    'https://site.gov.example/callback;x',
    'https://site.gov.example/callback\\..\\evil',
    'https://site。gov.example/callback',
    'https://sіte.gov.example/callback',
    ' https://site.gov.example/callback',
    'https://site.gov.example/callback\r\nX: y',
    'https:site.gov.example/callback',
    '//site.gov.example/callback',
    '/callback',
    'javascript:alert(1)',
    'data:text/html,x',
  ];
  for (const near of NEAR) {
    it(`P-05 shows an error page for ${JSON.stringify(near)}`, async () => {
      for (const more of [{}, { prompt: 'none' }, { response_type: 'nonsense' }]) {
        const { page } = await askWith({ redirect_uri: near, ...more });
        expect(page.status).to.equal(400);
        expect(page.headers.get('location')).to.equal(null);
        expect(page.text).to.include('role="alert"');
        // The switches of language and look come back to this very request.
        const rest = page.text.replace(/<input[^>]*name="return_to"[^>]*>/, '');
        expect(rest).not.to.include('evil').and.not.to.include(near);
      }
    });
  }

  it('P-05 refuses the near URI in a pushed request and at the token endpoint', async () => {
    const parameters = (url: string) => Object.fromEntries(new URL(url).searchParams);
    for (const near of NEAR) {
      const pushed = await postAsSite(server, site, '/request', {
        ...parameters(authorizationRequest(server, site).url),
        redirect_uri: near,
      });
      expect(pushed.status, near).to.equal(400);
    }
    const { request, callback } = await askWith({});
    const { status, body } = await postAsSite(server, site, '/token', {
      grant_type: 'authorization_code',
      code: callback['code'] ?? '',
      redirect_uri: `${REGISTERED}/`,
      code_verifier: request.verifier,
    });
    expect([status, body.error]).to.deep.equal([400, 'invalid_grant']);
  });

  it('P-05 registers no address that people could be sent elsewhere by', async () => {
    for (const uri of [
      'https://*/cb',
      'https://*.gov.example/cb',
      'https://a;form-action/cb',
      "https://a'unsafe-inline'/cb",
      'https://user:word@a.example/cb',
      'https://a.example/cb#fragment',
      'https://a.example/c\r\nb',
      'https://ａ.example/cb',
      'https:a.example/cb',
      '//a.example/cb',
      'javascript:alert(1)',
      'data:text/html,x',
    ]) {
      for (const name of ['redirect_uris', 'post_logout_redirect_uris']) {
        const outcome = await aSite(server, { [name]: [uri] }).then(
          () => 'registered',
          (error: unknown) => (error as Error).name,
        );
        expect(outcome, `${name} ${uri}`).to.equal('ClientMetadataInvalid');
      }
    }
  });
});
