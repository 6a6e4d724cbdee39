// ABUSE-CASES A-23: an account that an operator locks is locked on every process, at once.
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { describeOnPostgresql } from '../../../support/databases.ts';
import { CookieBrowser } from '../../../support/cookie-browser.ts';
import { LogoutReceiver } from '../../../support/logout-receiver.ts';
import { operate } from '../../../support/operator.ts';
import { until } from '../../../support/outbox.ts';
import { cookieHeader, openSignIn } from '../../../support/password-requests.ts';
import {
  authorizationRequest,
  callbackOf,
  claimsOf,
  enterPassword,
  personAt,
  postAsSite,
  redeem,
  signInAt,
} from '../../../support/person.ts';
import { formRequest, sendRaw, type RawRequest } from '../../../support/raw-http.ts';
import { startSecondProcess, type SecondProcess } from '../../../support/second-process.ts';
import {
  aCitizen,
  aSite,
  startTestServer,
  type Citizen,
  type Site,
  type TestServer,
} from '../../../support/test-server.ts';

const basic = ({ clientId, secret }: Site) =>
  ['Authorization', `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}`] as const;

describeOnPostgresql('abuse/authenticators: a locked account', (current) => {
  const receiver = new LogoutReceiver();
  let server: TestServer;
  let second: SecondProcess;
  let site: Site;
  before(async function () {
    this.timeout(60_000);
    await receiver.open();
    const settings = { egress: { allowedPrivateCidrs: ['127.0.0.0/8'] } };
    server = await startTestServer(current(), { settings });
    second = await startSecondProcess(server, current());
    site = await aSite(server, { backchannel_logout_uri: receiver.uri });
  });
  after(async () => {
    await second.stop();
    await server.stop();
    await receiver.close();
  });

  /** The same request to both processes. */
  const askBoth = async (request: Omit<RawRequest, 'host'>) => {
    const { host } = new URL(server.issuer);
    const ports = [server.running.port, second.port];
    return await Promise.all(ports.map((port) => sendRaw(port, { ...request, host })));
  };
  const lock = async ({ phone }: Citizen) => {
    const result = await operate(server, current(), 'account', 'lock', phone, 'stolen phone');
    expect(result).to.include({ exitCode: 0 });
  };

  /** A signed-in person with the tokens of a site. */
  const signedIn = async (site: Site) => {
    const citizen = await aCitizen(server);
    const browser = personAt(server);
    const request = authorizationRequest(server, site, {
      scope: 'openid profile_basic offline_access',
    });
    const { code = '' } = await signInAt(browser, citizen, request);
    const { body } = await redeem(server, site, request, code);
    const { access_token: access = '', refresh_token: refresh = '', id_token: id = '' } = body;
    return { citizen, browser, tokens: { access, refresh, id } };
  };

  const unlock = async ({ username }: Citizen) => {
    const result = await operate(server, current(), 'account', 'unlock', username, 'found again');
    expect(result).to.include({ exitCode: 0 });
  };

  /** Every way in and what it answers, on both processes. */
  const waysIn = async ({ citizen, browser, tokens }: Awaited<ReturnType<typeof signedIn>>) => {
    const cookie = ['Cookie', cookieHeader(browser, server.issuer)] as const;
    const silent = new URL(authorizationRequest(server, site, { prompt: 'none' }).url);
    const asSite = (target: string, fields: Record<string, string>) => {
      const { headers, ...rest } = formRequest(fields);
      return { ...rest, target, headers: [...headers, basic(site)] };
    };
    const { request } = await openSignIn(server, site);
    const [userinfo, introspection, promptNone, account, refresh, password] = await Promise.all([
      askBoth({ target: '/me', headers: [['Authorization', `Bearer ${tokens.access}`]] }),
      askBoth(asSite('/token/introspection', { token: tokens.access })),
      askBoth({ target: silent.pathname + silent.search, headers: [cookie] }),
      askBoth({ target: '/account', headers: [cookie] }),
      askBoth(asSite('/token', { grant_type: 'refresh_token', refresh_token: tokens.refresh })),
      askBoth(request({ account: citizen.phone, password: citizen.password })),
    ]);
    return { userinfo, introspection, promptNone, account, refresh, password };
  };

  it('A-23 denies every way in on both processes, and tells the site', async () => {
    const person = await signedIn(site);
    await lock(person.citizen);
    const startedAt = performance.now();
    const ways = await waysIn(person);
    expect(performance.now() - startedAt).to.be.below(1000);

    expect(ways.userinfo.map(({ status }) => status)).to.deep.equal([401, 401]);
    for (const { body } of ways.introspection) {
      expect(JSON.parse(body)).to.deep.equal({ active: false });
    }
    for (const { headers } of ways.promptNone) {
      const callback = new URL(headers.get('location')?.[0] ?? '');
      expect(callback.searchParams.get('error')).to.equal('login_required');
      expect(callback.searchParams.has('code')).to.equal(false);
    }
    for (const { status, headers } of ways.account) {
      expect(status).to.equal(303);
      expect(headers.get('location')?.[0]).to.match(/^\/auth\?/);
    }
    for (const { status, body } of ways.refresh) {
      expect(status).to.equal(400);
      expect(JSON.parse(body)).to.include({ error: 'invalid_grant' });
    }
    expect(ways.password.map(({ status }) => status)).to.deep.equal([422, 422]);

    await until(() => receiver.received.length > 0);
    const notice = claimsOf(receiver.received[0]?.form.get('logout_token') ?? '');
    const { sid, sub } = claimsOf(person.tokens.id);
    expect(notice).to.include({ aud: site.clientId, sid, sub });
    await wait(200);
    expect(receiver.received).to.have.length(1);
  }).timeout(60_000);

  it('A-23 ends a sign-in that was half-way when the account was locked', async () => {
    const citizen = await aCitizen(server);
    const half = new CookieBrowser(({ pathname }) => /^\/auth\/./.test(pathname));
    const page = await half.open(authorizationRequest(server, site).url);
    const accepted = await enterPassword(half, page, citizen);
    await lock(citizen);

    const { origin } = new URL(server.issuer);
    const onward = new CookieBrowser((url) => url.origin !== origin, { windowOf: half });
    const end = await onward.open(accepted.url);
    expect(callbackOf(end)).not.to.have.property('code');
    expect((await onward.open(`${server.issuer}/account`)).text).not.to.include('/sign-out');
  }).timeout(60_000);

  it('A-23 redeems no code that was on its way when the account was locked', async () => {
    const citizen = await aCitizen(server);
    const request = authorizationRequest(server, site);
    const { code = '' } = await signInAt(personAt(server), citizen, request);
    await lock(citizen);
    const answer = await redeem(server, site, request, code);
    expect(answer.status).to.equal(400);
    expect(answer.body).to.include({ error: 'invalid_grant' });
  }).timeout(60_000);

  it('A-23 revives nothing when the account is unlocked, and lets its owner sign in anew', async () => {
    const person = await signedIn(site);
    await lock(person.citizen);
    await unlock(person.citizen);
    const ways = await waysIn(person);
    expect(ways.userinfo.map(({ status }) => status)).to.deep.equal([401, 401]);
    expect(ways.refresh.map(({ status }) => status)).to.deep.equal([400, 400]);
    expect(ways.account.map(({ status }) => status)).to.deep.equal([303, 303]);
    expect(ways.password.map(({ status }) => status)).to.deep.equal([303, 303]);
  }).timeout(60_000);

  it('A-23 ends the tokens of an app for good, which outlive a sign-out', async () => {
    const app = await aSite(server, {
      application_type: 'native',
      redirect_uris: ['cn.example.app:/callback'],
      department: 'apps',
    });
    const { citizen, browser, tokens } = await signedIn(app);
    const refresh = (token: string) =>
      postAsSite(server, app, '/token', { grant_type: 'refresh_token', refresh_token: token });
    const { records } = server.running.services;
    const [session] = await records.sessions.listOf(citizen.accountId);
    const page = await browser.open(`${server.issuer}/account`);
    await browser.press(page, '/account/sign-out');
    expect(await records.sessions.listOf(citizen.accountId)).to.deep.equal([]);
    expect(session).not.to.equal(undefined);
    const refreshed = await refresh(tokens.refresh);
    expect(refreshed.status).to.equal(200);

    await lock(citizen);
    expect((await refresh(refreshed.body.refresh_token ?? '')).status).to.equal(400);
    await unlock(citizen);
    expect((await refresh(refreshed.body.refresh_token ?? '')).status).to.equal(400);
  }).timeout(60_000);
});
