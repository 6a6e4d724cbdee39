import { expect } from 'chai';
import { generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { completeFlow, expectError, type Flow } from '../../support/conformance/checks.ts';
import { NEEDS_THE_PERSON } from '../../support/conformance/sessions-and-prompts.ts';
import { aTestedSite, postedForm, Tester } from '../../support/conformance/tester.ts';
import type { CookieBrowser, Page } from '../../support/cookie-browser.ts';
import { describeOnEachDatabase } from '../../support/databases.ts';
import { claimsOf } from '../../support/person.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';

const STATE = 's'.repeat(128);
const YES = { logout: 'yes' };

// Section 4. After a sign-in, end_session with what each line says.
describeOnEachDatabase('conformance/rp-initiated-logout', (current) => {
  let server: TestServer;
  let tester: Tester;
  const bye = () => `https://${tester.site.clientId}.example/bye?kept=yes`;
  before(async () => {
    server = await startTestServer(current());
    tester = await Tester.register(server, 'query');
  });
  after(() => server.stop());

  const endSession = ({ browser }: Pick<Flow, 'browser'>, parameters: Record<string, string>) =>
    browser.open(`${server.issuer}/session/end?${new URLSearchParams(parameters).toString()}`);
  const hintOf = ({ tokens }: Flow) => ({ id_token_hint: tokens.id_token ?? '' });
  const target = () => ({ post_logout_redirect_uri: bye() });

  /** The confirmation page is shown, and the person says yes. */
  async function confirm({ browser }: Flow, page: Page): Promise<Page> {
    expect(page.status).to.equal(200);
    return await browser.press(page, 'op.logoutForm', YES);
  }
  async function expectSignedOut({ browser }: Flow): Promise<void> {
    const request = tester.request({ prompt: 'none' });
    expectError(tester, request, await tester.immediate(browser, request), NEEDS_THE_PERSON);
  }
  async function expectSignedIn({ browser }: Flow): Promise<void> {
    const request = tester.request({ prompt: 'none' });
    const { parameters } = await tester.immediate(browser, request);
    expect(parameters).to.have.property('code');
  }
  /** One of our pages, and no way from it to a site. */
  function expectOurPage(page: Page, status: number): void {
    expect(new URL(page.url).origin).to.equal(server.issuer);
    expect(page.status).to.equal(status);
    expect(page.text).not.to.include('.example/bye');
    expect(page.headers.get('content-security-policy')).not.to.include('.example');
  }
  async function expectRefused(flow: Flow, parameters: Record<string, string>): Promise<void> {
    expectOurPage(await endSession(flow, parameters), 400);
    await expectSignedIn(flow);
  }

  it('4.1 discovery: end_session_endpoint', async () => {
    const response = await fetch(`${server.issuer}/.well-known/openid-configuration`);
    const { end_session_endpoint } = (await response.json()) as Record<string, unknown>;
    expect(end_session_endpoint).to.equal(`${server.issuer}/session/end`);
  });

  it('4.2 normal: back at the site with the state, and signed out', async () => {
    const flow = await completeFlow(tester);
    const page = await endSession(flow, { ...hintOf(flow), ...target(), state: STATE });
    expect((await confirm(flow, page)).url).to.equal(`${bye()}&state=${STATE}`);
    await expectSignedOut(flow);
  });

  it('4.2 normal, posted by the site: the same', async () => {
    const flow = await completeFlow(tester);
    const body = new URLSearchParams({ ...hintOf(flow), ...target(), state: STATE });
    // As a browser does with SameSite=Lax: the cross-site POST has no cookies, the redirect has.
    const posted = await fetch(`${server.issuer}/session/end`, {
      ...{ method: 'POST', body, redirect: 'manual' },
      headers: { origin: 'https://site.example', 'sec-fetch-site': 'cross-site' },
    });
    expect(posted.headers.getSetCookie()).to.deep.equal([]);
    const page = await flow.browser.open(server.issuer + (posted.headers.get('location') ?? ''));
    expect((await confirm(flow, page)).url).to.equal(`${bye()}&state=${STATE}`);
    await expectSignedOut(flow);
  });

  it('4.3 unregistered post_logout_redirect_uri: our page, no redirect', async () => {
    const flow = await completeFlow(tester);
    const elsewhere = { post_logout_redirect_uri: 'https://elsewhere.example/bye' };
    await expectRefused(flow, { ...hintOf(flow), ...elsewhere, state: STATE });
  });

  it('4.4 id_token_hint with alg none: our page, no redirect', async () => {
    const flow = await completeFlow(tester);
    const id_token_hint = new UnsecuredJWT(claimsOf(flow.tokens.id_token ?? '')).encode();
    await expectRefused(flow, { id_token_hint, ...target(), state: STATE });
  });

  it('4.5 no id_token_hint: the person is asked, and stays with us', async () => {
    const flow = await completeFlow(tester);
    const page = await endSession(flow, { ...target(), state: STATE });
    expectOurPage(page, 200);
    expectOurPage(await confirm(flow, page), 200);
    await expectSignedOut(flow);
  });

  it('4.6 no parameters: signed out, our page', async () => {
    const flow = await completeFlow(tester);
    expectOurPage(await confirm(flow, await endSession(flow, {})), 200);
    await expectSignedOut(flow);
  });

  it('4.7 id_token_hint alone: signed out, our page', async () => {
    const flow = await completeFlow(tester);
    expectOurPage(await confirm(flow, await endSession(flow, hintOf(flow))), 200);
    await expectSignedOut(flow);
  });

  it('4.8 no state: back at the site without one', async () => {
    const flow = await completeFlow(tester);
    const page = await endSession(flow, { ...hintOf(flow), ...target() });
    expect((await confirm(flow, page)).url).to.equal(bye());
    await expectSignedOut(flow);
  });

  it('4.9 only state: signed out, our page', async () => {
    const flow = await completeFlow(tester);
    expectOurPage(await confirm(flow, await endSession(flow, { state: STATE })), 200);
    await expectSignedOut(flow);
  });

  it('4.10 a query added to the registered URI: our page, no redirect', async () => {
    const flow = await completeFlow(tester);
    const added = { post_logout_redirect_uri: `${bye()}&foo=bar` };
    await expectRefused(flow, { ...hintOf(flow), ...added, state: STATE });
  });

  it('4.11 id_token_hint signed with a foreign key: our page, no redirect', async () => {
    const flow = await completeFlow(tester);
    const { privateKey } = await generateKeyPair('RS256');
    const id_token_hint = await new SignJWT(claimsOf(flow.tokens.id_token ?? ''))
      .setProtectedHeader({ alg: 'RS256' })
      .sign(privateKey);
    await expectRefused(flow, { id_token_hint, ...target(), state: STATE });
  });

  it('asks first, and “no” keeps the session', async () => {
    const flow = await completeFlow(tester);
    const page = await endSession(flow, { ...hintOf(flow), ...target() });
    await flow.browser.press(page, 'op.logoutForm');
    await expectSignedIn(flow);
  });

  it('lets the form of the sign-out page end at the site', async () => {
    const flow = await completeFlow(tester);
    expect(formTargets(await endSession(flow, { ...hintOf(flow), ...target() }))).to.include(
      new URL(bye()).origin,
    );
  });

  it('brings one who is not signed in back to the site by a page that sends itself', async () => {
    const flow = await completeFlow(tester);
    const nobody = { browser: tester.browser() };
    const page = await endSession(nobody, { ...hintOf(flow), ...target(), state: STATE });
    expect(formTargets(page)).to.include(new URL(bye()).origin);
    expect((await sendItself(nobody.browser, page)).url).to.equal(`${bye()}&state=${STATE}`);
    await expectSignedIn(flow);
  });

  it('takes no hint of a site that is not there', async () => {
    const flow = await completeFlow(tester);
    const gone = await aTestedSite(server);
    await current().db('clients').where({ client_id: gone.clientId }).update({ status: 'retired' });
    const parameters = { client_id: gone.clientId, ...target() };
    expectOurPage(await endSession(flow, parameters), 400);
  });
});

function sendItself(browser: CookieBrowser, page: Page): Promise<Page> {
  const form = postedForm(page);
  return browser.submit(form?.action ?? '', form?.fields);
}

const formTargets = ({ headers }: Page) =>
  /form-action ([^;]*)/.exec(headers.get('content-security-policy') ?? '')?.[1]?.split(' ') ?? [];
