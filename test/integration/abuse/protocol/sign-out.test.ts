import { expect } from 'chai';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import type { CookieBrowser } from '../../../support/cookie-browser.ts';
import { describeOnAnyDatabase } from '../../../support/databases.ts';
import { LogoutReceiver } from '../../../support/logout-receiver.ts';
import { until } from '../../../support/outbox.ts';
import {
  authorizationRequest,
  callbackOf,
  claimsOf,
  formOf,
  personAt,
  postAsSite,
  redeem,
  signInAt,
  userinfo,
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

interface Visit {
  readonly site: Site;
  readonly access: string;
  readonly refresh: string;
  readonly id: string;
}

describeOnAnyDatabase('abuse/protocol: signing out', (current) => {
  const receivers = [new LogoutReceiver(), new LogoutReceiver()] as const;
  let server: TestServer;
  let sites: Site[];
  let citizen: Citizen;
  let browser: CookieBrowser;
  let visits: Visit[];
  before(async function () {
    this.timeout(60_000);
    server = await startTestServer(current(), {
      settings: { egress: { allowedPrivateCidrs: ['127.0.0.0/8'] } },
    });
    for (const receiver of receivers) await receiver.open();
    sites = await Promise.all(
      receivers.map(({ uri }) => aSite(server, { backchannel_logout_uri: uri })),
    );
    citizen = await aCitizen(server);
  });
  after(async () => {
    await Promise.all(receivers.map((receiver) => receiver.close()));
    await server.stop();
  });
  beforeEach(async () => {
    browser = personAt(server);
    visits = [];
    for (const receiver of receivers) receiver.received.length = 0;
    for (const site of sites) visits.push(await visit(site));
  });

  async function visit(site: Site): Promise<Visit> {
    const request = authorizationRequest(server, site, { scope: 'openid offline_access' });
    const { code = '' } = await signInAt(browser, citizen, request);
    const { body } = await redeem(server, site, request, code);
    const { access_token: access = '', refresh_token: refresh = '', id_token: id = '' } = body;
    return { site, access, refresh, id };
  }

  const first = () => visits[0] as Visit;
  const endUrl = (more: Readonly<Record<string, string>> = {}) =>
    `${server.issuer}/session/end?${new URLSearchParams(more).toString()}`;
  const cookies = () =>
    [
      'Cookie',
      [...browser.cookies(server.issuer)].map(([n, v]) => `${n}=${v}`).join('; '),
    ] as const;

  async function isSignedIn(): Promise<boolean> {
    const { url } = authorizationRequest(server, first().site, { prompt: 'none' });
    return callbackOf(await browser.open(url))['code'] !== undefined;
  }

  async function refreshStatus({ site, refresh }: Visit): Promise<number> {
    const form = { grant_type: 'refresh_token', refresh_token: refresh };
    return (await postAsSite(server, site, '/token', form)).status;
  }

  async function expectAllToldAndDead(): Promise<void> {
    await until(() => receivers.every(({ received }) => received.length === 1));
    const keys = createRemoteJWKSet(new URL(`${server.issuer}/jwks`));
    for (const [index, { received }] of receivers.entries()) {
      const { site, access, id } = visits[index] as Visit;
      const token = received[0]?.form.get('logout_token') ?? '';
      const { payload } = await jwtVerify(token, keys, {
        ...{ issuer: server.issuer, audience: site.clientId, typ: 'logout+jwt' },
      });
      expect(payload).not.to.have.property('nonce');
      expect(payload['sid']).to.be.a('string').and.equal(claimsOf(id)['sid']);
      expect(payload.sub).to.equal(claimsOf(id)['sub']);
      expect(payload['events']).to.deep.equal({
        'http://schemas.openid.net/event/backchannel-logout': {},
      });
      expect((payload.exp ?? Infinity) - (payload.iat ?? 0)).to.be.at.most(120);
      expect((await userinfo(server, access)).status).to.equal(401);
      // P-18: what tells of the end opens nothing.
      expect((await userinfo(server, token)).status).to.equal(401);
    }
    for (const one of visits) expect(await refreshStatus(one)).to.equal(400);
    expect(await isSignedIn()).to.equal(false);
  }

  it('P-29 tells every site and kills its tokens when one site signs the person out', async () => {
    const page = await browser.open(
      endUrl({
        id_token_hint: first().id,
        post_logout_redirect_uri: `https://${first().site.clientId}.example/bye`,
        state: 's',
      }),
    );
    expect(await isSignedIn()).to.equal(true);
    const { action } = formOf(page, '/session/end/confirm');
    const xsrf = /name="xsrf" value="([^"]*)"/.exec(page.text)?.[1] ?? '';
    const done = await browser.submit(action, { xsrf, logout: 'yes' });
    expect(done.url).to.equal(`https://${first().site.clientId}.example/bye?state=s`);
    await expectAllToldAndDead();
  });

  it('P-29 tells every site and kills its tokens when the person signs out with us', async () => {
    const page = await browser.open(`${server.issuer}/account`);
    const { action, csrf } = formOf(page, '/sign-out');
    await browser.submit(action, { csrf });
    await expectAllToldAndDead();
  });

  it('P-29 tells every site and kills its tokens when the session is ended from another browser', async () => {
    const elsewhere = personAt(server);
    await signInAt(elsewhere, citizen, authorizationRequest(server, first().site));
    const page = await elsewhere.open(`${server.issuer}/account`);
    const { action, csrf } = formOf(page, '/end-others');
    await elsewhere.submit(action, { csrf });
    await expectAllToldAndDead();
  });

  it('P-29 kills what idle sessions left, and nothing of the browser that asks', async () => {
    const left = first();
    // Idled out and swept: there is no session to end, but the site's refresh token lives on.
    await server.foundations.db('sessions').where({ account_id: citizen.accountId }).delete();
    browser = personAt(server);
    await visit(left.site);
    browser = personAt(server);
    const kept = await visit(left.site);
    const { action, csrf } = formOf(await browser.open(`${server.issuer}/account`), '/end-others');
    await browser.submit(action, { csrf });
    expect([await refreshStatus(left), await refreshStatus(kept)]).to.deep.equal([400, 200]);
  });

  it('P-29 signs nobody out for a link, a forged form or another site’s form', async () => {
    const page = await browser.open(endUrl({ id_token_hint: first().id }));
    const xsrf = /name="xsrf" value="([^"]*)"/.exec(page.text)?.[1] ?? '';
    const evil = ['Origin', 'https://evil.example'] as const;
    const sameSite = ['Sec-Fetch-Site', 'same-site'] as const;
    for (const target of [
      '/session/end/confirm',
      '/SESSION/END/CONFIRM',
      '/session/end/confirm/',
    ]) {
      for (const [fields, extra] of [
        [{ logout: 'yes' }, []],
        [{ logout: 'yes', xsrf: 'x' }, []],
        [{ logout: 'yes', xsrf }, [evil]],
        [{ logout: 'yes', xsrf }, [sameSite]],
        [{ logout: 'yes', xsrf }, [['Origin', 'null'] as const]],
      ] as const) {
        const { headers, ...form } = formRequest(fields);
        const answer = await send(server, {
          target,
          ...form,
          headers: [...headers, cookies(), ...extra],
        });
        expect(answer.status, `${target} ${JSON.stringify([fields, extra])}`).to.be.oneOf([
          400, 403, 404,
        ]);
      }
      const asGet = await send(server, {
        target: `${target}?xsrf=${xsrf}&logout=yes`,
        headers: [cookies()],
      });
      expect(asGet.status).to.be.oneOf([404, 405]);
    }
    expect(await isSignedIn()).to.equal(true);
    expect(await refreshStatus(first())).to.equal(200);
  });

  it('P-29 sends the person to no address after a sign-out that is not registered', async () => {
    const registered = `https://${first().site.clientId}.example/bye`;
    for (const near of [
      `${registered}/`,
      `${registered}?x=1`,
      `${registered}#x`,
      `${registered}.evil.example`,
      `https://evil.example/${registered}`,
      `https://${first().site.clientId}.example@evil.example/bye`,
      registered.replace('https', 'http'),
      '//evil.example/bye',
      'javascript:alert(1)',
    ]) {
      const asked = { client_id: first().site.clientId, post_logout_redirect_uri: near };
      const page = await browser.open(endUrl(asked));
      expect(page.status, near).to.equal(400);
      expect(page.headers.get('location')).to.equal(null);
    }
    const page = await browser.open(endUrl({ post_logout_redirect_uri: 'https://evil.example/' }));
    const xsrf = /name="xsrf" value="([^"]*)"/.exec(page.text)?.[1] ?? '';
    const answer = await send(server, {
      target: '/session/end/confirm',
      ...formRequest({ xsrf, logout: 'yes' }),
      headers: [...formRequest({}).headers, cookies()],
    });
    expect(headerOf(answer, 'location')).to.match(
      new RegExp(`^${server.issuer}/session/end/success`),
    );
  });

  it('P-29 takes no foreign, forged or mismatched hint of whom to sign out', async () => {
    const stranger = await aSite(server);
    const { id } = first();
    const forged = `${id.slice(0, -6)}AAAAAA`;
    for (const more of [
      { id_token_hint: forged },
      { id_token_hint: 'x.y.z' },
      { id_token_hint: id, client_id: stranger.clientId },
      { client_id: 'absent' },
    ]) {
      const page = await browser.open(endUrl(more));
      expect(page.status, JSON.stringify(more)).to.equal(400);
    }
    expect(await isSignedIn()).to.equal(true);
  });
});
