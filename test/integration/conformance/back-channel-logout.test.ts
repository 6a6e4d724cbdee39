import { expect } from 'chai';
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose';
import {
  completeFlow,
  expectError,
  expectErrorPage,
  type Flow,
} from '../../support/conformance/checks.ts';
import { NEEDS_THE_PERSON } from '../../support/conformance/sessions-and-prompts.ts';
import { aTestedSite, Tester } from '../../support/conformance/tester.ts';
import { describeOnEachDatabase } from '../../support/databases.ts';
import { LogoutReceiver } from '../../support/logout-receiver.ts';
import { until } from '../../support/outbox.ts';
import { startTestServer, type Site, type TestServer } from '../../support/test-server.ts';

const STATE = 's'.repeat(128);
const EVENT = 'http://schemas.openid.net/event/backchannel-logout';

// Section 5. The receivers are on http and loopback here, which the settings must allow.
describeOnEachDatabase('conformance/back-channel-logout', (current) => {
  const receiver = new LogoutReceiver();
  const failing = new LogoutReceiver();
  let server: TestServer;
  let tester: Tester;
  let site: Site;
  before(async () => {
    await Promise.all([receiver.open(), failing.open()]);
    failing.behaviour = 500;
    server = await startTestServer(current(), {
      settings: { egress: { allowedPrivateCidrs: ['127.0.0.0/8'] } },
    });
    tester = await Tester.register(server, 'query');
    site = await aTestedSite(server, { backchannel_logout_uri: receiver.uri });
  });
  beforeEach(() => {
    receiver.received.length = 0;
  });
  after(async () => {
    await server.stop();
    await Promise.all([receiver.close(), failing.close()]);
  });

  const bye = () => `https://${site.clientId}.example/bye?kept=yes`;

  /** RP-initiated logout by the tested site; the page that the browser ends at. */
  async function signOut({ browser, tokens }: Flow) {
    const parameters = new URLSearchParams({
      ...{ id_token_hint: tokens.id_token ?? '', state: STATE },
      post_logout_redirect_uri: bye(),
    });
    const page = await browser.open(`${server.issuer}/session/end?${parameters.toString()}`);
    return await browser.press(page, 'op.logoutForm', { logout: 'yes' });
  }

  it('5.1 discovery: both flags and the end_session_endpoint', async () => {
    const response = await fetch(`${server.issuer}/.well-known/openid-configuration`);
    expect(await response.json()).to.include({
      end_session_endpoint: `${server.issuer}/session/end`,
      backchannel_logout_supported: true,
      backchannel_logout_session_supported: true,
    });
  });

  it('5.2 the site is told by a logout token, and the person is signed out', async () => {
    const flow = await completeFlow(tester, {}, undefined, site);
    expect((await signOut(flow)).url).to.equal(`${bye()}&state=${STATE}`);
    await until(() => receiver.received.length === 1);

    const [notice] = receiver.received;
    expect(notice).to.include({ method: 'POST' });
    expect(notice?.contentType).to.match(/^application\/x-www-form-urlencoded/);
    expect([...(notice?.form.keys() ?? [])]).to.deep.equal(['logout_token']);
    const jwks = (await (await fetch(`${server.issuer}/jwks`)).json()) as JSONWebKeySet;
    const { payload, protectedHeader } = await jwtVerify(
      notice?.form.get('logout_token') ?? '',
      createLocalJWKSet(jwks),
      { issuer: server.issuer, audience: site.clientId, algorithms: ['RS256'], maxTokenAge: 60 },
    );
    expect(protectedHeader.kid).to.be.a('string');
    expect(payload['events']).to.deep.equal({ [EVENT]: {} });
    expect(payload.jti).to.be.a('string').that.is.not.empty;
    const { sub, sid } = flow.idToken;
    expect(payload).to.include({ sub, sid });
    expect(payload).not.to.have.property('nonce');

    const request = tester.request({ prompt: 'none' }, site);
    const answer = await tester.immediate(flow.browser, request);
    expectError(tester, request, answer, NEEDS_THE_PERSON);
  });

  it('a site that fails stops neither the sign-out nor the notices of others', async () => {
    const broken = await aTestedSite(server, { backchannel_logout_uri: failing.uri });
    const flow = await completeFlow(tester, {}, undefined, site);
    await completeFlow(tester, {}, flow.browser, broken);
    expect((await signOut(flow)).url).to.equal(`${bye()}&state=${STATE}`);
    await until(() => receiver.received.length === 1 && failing.received.length > 0);
  });

  it('a sign-out that was refused tells nobody', async () => {
    const owed = () => current().db('outbox').pluck<string[]>('id').orderBy('id');
    const before = await owed();
    const flow = await completeFlow(tester, {}, undefined, site);
    const parameters = new URLSearchParams({
      id_token_hint: flow.tokens.id_token ?? '',
      post_logout_redirect_uri: 'https://elsewhere.example/bye',
    });
    const page = await flow.browser.open(`${server.issuer}/session/end?${parameters.toString()}`);
    expectErrorPage(tester, { page, url: new URL(page.url), parameters: {} });
    expect(await owed()).to.deep.equal(before);
  });
});
