import { expect } from 'chai';
import type { RequestListener } from 'node:http';
import { parseSites } from '../../../examples/demo-site/registration.ts';
import { createDemoSite } from '../../../examples/demo-site/site.ts';
import { CookieBrowser } from '../../support/cookie-browser.ts';
import { LocalServers } from '../../support/local-server.ts';
import {
  passDevelopmentPages,
  startStandInProvider,
  type StandInProvider,
} from '../../support/stand-in-provider.ts';

const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';

/** A registration as in config/demo.json, at a port of the test's. */
const registration = (clientId: string, name: string, port: number) => ({
  client_id: clientId,
  client_name: name,
  client_secret: `${clientId}-secret-of-this-test-only`,
  token_endpoint_auth_method: 'client_secret_basic',
  department: 'test-department',
  department_name: '测试部门',
  government: true,
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  redirect_uris: [`http://localhost:${port}/callback`],
  post_logout_redirect_uris: [`http://localhost:${port}/signed-out`],
  client_uri: `http://localhost:${port}/`,
  initiate_login_uri: `http://localhost:${port}/login`,
  backchannel_logout_uri: `http://localhost:${port}/backchannel-logout`,
  backchannel_logout_session_required: true,
  id_token_signed_response_alg: 'ES256',
  scope: 'openid profile_basic profile offline_access',
});

describe('examples/demo-site', () => {
  const servers = new LocalServers();
  let provider: StandInProvider;
  let portal: string;
  let fund: string;
  let browser: CookieBrowser;

  beforeEach(async () => {
    const listeners: RequestListener[] = [];
    const ports = [0, 1].map((index) =>
      servers.start((request, response) => listeners[index]?.(request, response)),
    );
    const [portalPort = 0, fundPort = 0] = await Promise.all(ports);
    const registrations = [
      registration('demo-portal', '市民服务门户', portalPort),
      registration('demo-housing-fund', '住房公积金管理中心', fundPort),
    ];
    provider = await startStandInProvider(servers, registrations);
    const sites = parseSites(JSON.stringify({ sites: registrations }));
    for (const site of sites) {
      const neighbours = sites.filter((other) => other !== site);
      listeners.push(createDemoSite({ site, neighbours, issuer: provider.issuer }));
    }
    portal = `http://localhost:${portalPort}`;
    fund = `http://localhost:${fundPort}`;
    browser = new CookieBrowser();
  });
  afterEach(() => servers.stopAll());

  const signIn = async (site: string) =>
    passDevelopmentPages(browser, await browser.open(`${site}/login`));
  const isSignedIn = async (site: string) =>
    (await browser.open(`${site}/`)).text.includes('您好，');

  /** `sid` and `sub` as the site shows them among the claims it received. */
  const shownClaim = async (site: string, name: string) => {
    const page = await browser.open(`${site}/`);
    const row = new RegExp(`<code>${name}</code>\\s*</th>\\s*<td>([^<]*)</td>`).exec(page.text);
    return row?.[1] ?? expect.fail(`no claim ${name}`);
  };
  const logoutClaims = async (site: string) => ({
    iss: provider.issuer,
    aud: 'demo-portal',
    iat: Math.floor(Date.now() / 1000),
    exp: Math.floor(Date.now() / 1000) + 120,
    jti: 'logout-1',
    sid: await shownClaim(site, 'sid'),
    events: { [LOGOUT_EVENT]: {} },
  });
  const deliver = async (site: string, token: string) => {
    const body = new URLSearchParams({ logout_token: token });
    return (await fetch(`${site}/backchannel-logout`, { method: 'POST', body })).status;
  };

  it('shows a landing page with 登录, without script and under a strict policy', async () => {
    const page = await browser.open(`${portal}/`);
    expect(page.status).to.equal(200);
    expect(page.text).to.include('lang="zh-CN"').and.include('href="/login"').and.include('登录');
    expect(page.text).not.to.match(/<script|style="/);
    expect(page.headers.get('content-security-policy')).to.include("default-src 'none'");
  });

  it('signs in through the provider and shows the claims, escaped', async () => {
    const page = await signIn(portal);
    expect(page.url).to.equal(`${portal}/`);
    expect(page.text).to.include('您好，张示例').and.include('中级实名');
    expect(page.text).to.include('张*&#60;i&#62;');
  });

  it('is entered from the other site without a page, each with its own cookie', async () => {
    const home = await signIn(portal);
    const link = /href="([^"]+\/login\?iss=[^"]+)"/.exec(home.text)?.[1] ?? expect.fail('no link');
    await passDevelopmentPages(browser, await browser.open(link));
    expect(await isSignedIn(portal)).to.equal(true);
    expect(await isSignedIn(fund)).to.equal(true);
    const names = [...browser.cookies(portal).keys()].filter((name) => name.endsWith('-session'));
    expect(names).to.deep.equal(['demo-portal-session', 'demo-housing-fund-session']);
  });

  it('gives the session another id at sign-in', async () => {
    await browser.open(`${portal}/login`);
    const before = browser.cookies(portal).get('demo-portal-session');
    await signIn(portal);
    const after = browser.cookies(portal).get('demo-portal-session');
    expect(before).to.be.a('string');
    expect(after).to.be.a('string').and.not.equal(before);
  });

  it('renews the claims by the refresh token', async () => {
    const page = await browser.press(await signIn(portal), '更新我的信息');
    expect(page.status).to.equal(200);
    expect(page.text).to.include('您好，张示例');
  });

  it('signs out here, at the provider, and at the other site by back-channel', async () => {
    await signIn(portal);
    await signIn(fund);
    const confirmation = await browser.press(await browser.open(`${portal}/`), '退出登录');
    const last = await browser.press(confirmation, 'xsrf', { logout: 'yes' });
    expect(last.url).to.equal(`${portal}/signed-out`);
    expect(last.text).to.include('您已退出登录');
    expect(await isSignedIn(portal)).to.equal(false);
    expect(await isSignedIn(fund)).to.equal(false);
  });

  it('explains a refusal and offers 重新登录', async () => {
    const login = await browser.open(`${portal}/login`);
    const page = await browser.open(`${login.url}/abort`);
    expect(page.status).to.equal(400);
    expect(page.text).to.include('access_denied').and.include('重新登录');
  });

  it('refuses an answer that it did not ask for', async () => {
    const page = await browser.open(`${portal}/callback?code=x&state=y`);
    expect(page.status).to.equal(400);
    expect(page.text).to.include('登录请求已失效').and.include('重新登录');
  });

  it('refuses an answer with a code that the provider does not know', async () => {
    const checksOf = await fetch(`${portal}/login`, { redirect: 'manual' });
    const state = new URL(checksOf.headers.get('location') ?? '').searchParams.get('state') ?? '';
    const cookie = checksOf.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    const answer = new URLSearchParams({ code: 'stolen', state, iss: provider.issuer });
    const page = await fetch(`${portal}/callback?${answer.toString()}`, { headers: { cookie } });
    expect(page.status).to.equal(400);
    expect(await page.text()).to.include('invalid_grant');
  });

  it('refuses to be sent to a foreign issuer', async () => {
    const page = await browser.open(`${portal}/login?iss=https://elsewhere.example`);
    expect(page.status).to.equal(400);
    expect(page.text).to.include('登录来源不受信任');
  });

  it('waits for an issuer that is not up yet', async () => {
    provider.isDown = true;
    const page = await browser.open(`${portal}/login`);
    expect(page.status).to.equal(503);
    expect(page.text).to.include('暂时无法访问').and.include('重新登录');
    provider.isDown = false;
    await signIn(portal);
    expect(await isSignedIn(portal)).to.equal(true);
  });

  describe('a logout token', () => {
    beforeEach(async () => {
      await signIn(portal);
    });

    it('ends the session that it names, and may come twice', async () => {
      const token = await provider.sign(await logoutClaims(portal), { typ: 'logout+jwt' });
      expect(await deliver(portal, token)).to.equal(200);
      expect(await isSignedIn(portal)).to.equal(false);
      expect(await deliver(portal, token)).to.equal(200);
    });

    it('leaves other sessions alone', async () => {
      const claims = { ...(await logoutClaims(portal)), sid: 'another' };
      const token = await provider.sign(claims, { typ: 'logout+jwt' });
      expect(await deliver(portal, token)).to.equal(200);
      expect(await isSignedIn(portal)).to.equal(true);
    });

    const now = Math.floor(Date.now() / 1000);
    for (const [fault, changes, typ] of [
      ['for another site', { aud: 'demo-housing-fund' }, 'logout+jwt'],
      ['from another issuer', { iss: 'https://elsewhere.example' }, 'logout+jwt'],
      ['that has expired', { iat: now - 200, exp: now - 100 }, 'logout+jwt'],
      ['that is old though it claims to last', { iat: now - 4000, exp: now + 4000 }, 'logout+jwt'],
      ['without the event', { events: {} }, 'logout+jwt'],
      ['whose event is not an object', { events: { [LOGOUT_EVENT]: true } }, 'logout+jwt'],
      ['with a nonce', { nonce: 'n' }, 'logout+jwt'],
      ['without sid and sub', { sid: undefined }, 'logout+jwt'],
      ['without jti', { jti: undefined }, 'logout+jwt'],
      ['of the type of an ID token', {}, 'JWT'],
    ] as const) {
      it(`${fault} is refused with 400`, async () => {
        const claims = { ...(await logoutClaims(portal)), ...changes };
        expect(await deliver(portal, await provider.sign(claims, { typ }))).to.equal(400);
        expect(await isSignedIn(portal)).to.equal(true);
      });
    }

    it('that was tampered with is refused with 400', async () => {
      const token = await provider.sign(await logoutClaims(portal), { typ: 'logout+jwt' });
      const [header, payload, signature] = token.split('.');
      const claims = Buffer.from(payload ?? '', 'base64url').toString();
      const forged = Buffer.from(claims.replace('logout-1', 'logout-2')).toString('base64url');
      expect(await deliver(portal, [header, forged, signature].join('.'))).to.equal(400);
      expect(await deliver(portal, '')).to.equal(400);
      expect(await isSignedIn(portal)).to.equal(true);
    });

    it('without a signature is refused with 400', async () => {
      const header = { alg: 'none', typ: 'logout+jwt' };
      const parts = [header, await logoutClaims(portal)].map((part) =>
        Buffer.from(JSON.stringify(part)).toString('base64url'),
      );
      expect(await deliver(portal, `${parts.join('.')}.`)).to.equal(400);
      expect(await isSignedIn(portal)).to.equal(true);
    });
  });
});
