import { expect } from 'chai';
import { describeOnAnyDatabase } from '../../../support/databases.ts';
import {
  authorizationRequest,
  callbackOf,
  personAt,
  postAsSite,
  signInAt,
} from '../../../support/person.ts';
import type { CookieBrowser } from '../../../support/cookie-browser.ts';
import { jsonOf, send, siteForm } from '../../../support/site-forms.ts';
import {
  aCitizen,
  aSite,
  startTestServer,
  type Site,
  type TestServer,
} from '../../../support/test-server.ts';

const REGISTERED = 'https://site.gov.example/callback';

describeOnAnyDatabase('abuse/protocol: parameters given twice', (current) => {
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

  const first = (url: string) => [...new URL(url).searchParams];

  it('P-07 refuses each parameter twice in the query, and twice over query and body', async () => {
    const request = authorizationRequest(server, site, {
      ...{
        prompt: 'none',
        max_age: '60',
        acr_values: 'x',
        claims: '{"userinfo":{}}',
        login_hint: 'x',
      },
      ...{ ui_locales: 'zh-CN', response_mode: 'query' },
    });
    expect(callbackOf(await browser.open(request.url))).to.have.property('code');
    for (const [name, value] of first(request.url)) {
      const page = await browser.open(`${request.url}&${name}=${encodeURIComponent(value)}`);
      if (name === 'client_id') expect(page.status).to.equal(400);
      else expect(callbackOf(page)['error'], name).to.equal('invalid_request');
      const posted = await browser.submit(request.url, { [name]: value });
      expect(posted.url.includes('code='), name).to.equal(false);
      expect(
        posted.status === 400 || callbackOf(posted)['error'] === 'invalid_request',
        name,
      ).to.equal(true);
    }
  });

  it('P-07 refuses each parameter of the token endpoint twice', async () => {
    const { request, callback } = await askWith({});
    const fields: [string, string][] = [
      ['grant_type', 'authorization_code'],
      ['code', callback['code'] ?? ''],
      ['redirect_uri', REGISTERED],
      ['code_verifier', request.verifier],
    ];
    for (const field of fields) {
      const answer = await send(server, siteForm(site, '/token', [...fields, field]));
      expect([answer.status, jsonOf(answer)['error']], field[0]).to.deep.equal([
        400,
        'invalid_request',
      ]);
    }
    const query = new URLSearchParams(fields).toString();
    const inQuery = await send(server, siteForm(site, `/token?${query}`, {}));
    expect(inQuery.status).to.equal(400);
    expect(jsonOf(inQuery)).not.to.have.property('access_token');
  });

  it('P-07 refuses a client that authenticates twice', async () => {
    const { request, callback } = await askWith({});
    const { status } = await postAsSite(server, site, '/token', {
      ...{ client_id: site.clientId, client_secret: site.secret },
      ...{ grant_type: 'authorization_code', code: callback['code'] ?? '' },
      ...{ redirect_uri: REGISTERED, code_verifier: request.verifier },
    });
    expect(status).to.be.oneOf([400, 401]);
  });
});
