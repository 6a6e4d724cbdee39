import { expect } from 'chai';
import { ACR_VALUES } from '#sign-in/levels.ts';
import { describeOnEachDatabase } from '../../support/databases.ts';
import {
  authorizationRequest,
  callbackOf,
  claimsOf,
  personAt,
  postAsSite,
  redeem,
  signInAt,
  userinfo,
  type TokenAnswer,
} from '../../support/person.ts';
import {
  aCitizen,
  aSite,
  startTestServer,
  type Citizen,
  type Site,
  type TestServer,
} from '../../support/test-server.ts';
import { LogoutReceiver } from '../../support/logout-receiver.ts';
import { until } from '../../support/outbox.ts';

const [AAL1, AAL2, AAL3] = ACR_VALUES;
const LOOPBACK = { egress: { allowedPrivateCidrs: ['127.0.0.0/8'] } };

// The ten facts at the head of PROVIDER-NOTES: what oidc-provider does by itself, and we must not.
// 4, 5, 9 and 10 need servers of their own: restarted-server-facts.test.ts.
describeOnEachDatabase('oidc/provider facts', (current) => {
  const receiver = new LogoutReceiver();
  let server: TestServer;
  let site: Site;
  before(async () => {
    await receiver.open();
    server = await startTestServer(current(), { settings: LOOPBACK });
    site = await aSite(server);
  });
  after(async () => {
    await server.stop();
    await receiver.close();
  });

  async function signIn(citizen: Citizen, at = site, browser = personAt(server)) {
    const request = authorizationRequest(server, at);
    const { code = '' } = await signInAt(browser, citizen, request);
    return { browser, code, redeem: () => redeem(server, at, request, code) };
  }
  const refresh = ({ body }: TokenAnswer) =>
    postAsSite(server, site, '/token', {
      grant_type: 'refresh_token',
      refresh_token: body.refresh_token ?? '',
    });
  const userinfoStatus = async ({ body }: TokenAnswer) =>
    (await userinfo(server, body.access_token ?? '')).status;

  it('1 of 20 parallel redemptions of a code, one is answered with tokens, and they are dead', async () => {
    const { redeem: redeemOnce } = await signIn(await aCitizen(server));
    const answers = await Promise.all(Array.from({ length: 20 }, redeemOnce));
    const winners = answers.filter(({ status }) => status === 200);
    expect(winners).to.have.length(1);
    expect(answers.filter(({ body }) => body.error === 'invalid_grant')).to.have.length(19);
    expect(await Promise.all(winners.map(userinfoStatus))).to.deep.equal([401]);
  });

  it('2 four sites opened at once in one session each get in, and the session knows all of them', async () => {
    const citizen = await aCitizen(server);
    const { browser } = await signIn(citizen);
    const sites = await Promise.all(Array.from({ length: 4 }, () => aSite(server)));
    const answers = await Promise.all(
      sites.map(async (one) => {
        const request = authorizationRequest(server, one, { prompt: 'none' });
        const { code = '' } = callbackOf(await browser.open(request.url));
        return await redeem(server, one, request, code);
      }),
    );
    expect(answers.map(({ status }) => status)).to.deep.equal([200, 200, 200, 200]);
    const [session] = await server.running.services.records.sessions.listOf(citizen.accountId);
    expect(session?.clientIds).to.include.members(sites.map(({ clientId }) => clientId));
  });

  it('3 a revoked grant ends every token that was made from it', async () => {
    const citizen = await aCitizen(server);
    const tokens = await (await signIn(citizen)).redeem();
    const renewed = await refresh(tokens);
    expect(await userinfoStatus(renewed)).to.equal(200);
    const { records } = server.running.services.records;
    await records.revokeGrantsOf(citizen.accountId, { clientId: site.clientId });
    expect([await userinfoStatus(tokens), await userinfoStatus(renewed)]).to.deep.equal([401, 401]);
    expect((await refresh(renewed)).body.error).to.equal('invalid_grant');
    const fields = { token: renewed.body.access_token ?? '' };
    const looked = await postAsSite(server, site, '/token/introspection', fields);
    expect(looked.body).to.deep.equal({ active: false });
  });

  it('6 signing out does not wait for a site that never answers', async () => {
    const hanging = await aSite(server, { backchannel_logout_uri: receiver.uri });
    const { browser } = await signIn(await aCitizen(server), hanging);
    receiver.behaviour = 'hang';
    receiver.received.length = 0;
    const page = await browser.open(`${server.issuer}/session/end`);
    const began = performance.now();
    await browser.press(page, 'op.logoutForm', { logout: 'yes' });
    const milliseconds = performance.now() - began;
    await until(() => receiver.received.length === 1);
    receiver.behaviour = 200;
    expect(milliseconds).to.be.below(2000);
  });

  it('7 an essential acr that cannot be reached ends in an error, whatever acr_values says', async () => {
    const citizen = await aCitizen(server);
    const { browser } = await signIn(citizen);
    const claims = (acr: string) =>
      JSON.stringify({ id_token: { acr: { essential: true, values: [acr] } } });
    const tooHigh = authorizationRequest(server, site, {
      ...{ claims: claims(AAL3), acr_values: AAL1 },
    });
    for (const at of [browser, personAt(server)]) {
      const answer = callbackOf(await at.open(tooHigh.url));
      expect(answer).to.include({ error: 'unmet_authentication_requirements' });
      expect(answer).not.to.have.property('code');
    }
    const reachable = authorizationRequest(server, site, {
      ...{ claims: claims(AAL1), acr_values: AAL2 },
    });
    const { code = '' } = callbackOf(await browser.open(reachable.url));
    const { body } = await redeem(server, site, reachable, code);
    expect(claimsOf(body.id_token ?? '')).to.include({ acr: AAL1 });
  });

  for (const status of ['locked', 'cancelled'] as const) {
    it(`8 an account that is ${status} while its session lives is signed in nowhere, and nothing fails`, async () => {
      const citizen = await aCitizen(server);
      const { browser, redeem: redeemOnce } = await signIn(citizen);
      const tokens = await redeemOnce();
      await server.running.services.records.accounts.changeStatus(citizen.accountId, status);

      const again = await browser.open(authorizationRequest(server, site).url);
      expect(again).to.include({ status: 200 });
      expect(again.text).to.include('/password"');
      const silent = authorizationRequest(server, site, { prompt: 'none' });
      expect(callbackOf(await browser.open(silent.url))).to.include({ error: 'login_required' });
      expect(await userinfoStatus(tokens)).to.equal(401);
      expect((await refresh(tokens)).body.error).to.equal('invalid_grant');
      expect((await browser.open(`${server.issuer}/account`)).status).to.be.below(500);
      await signOut(browser);
      expect(server.logLines.filter((line) => line.includes('"status":5'))).to.deep.equal([]);
    });
  }

  async function signOut(browser: ReturnType<typeof personAt>): Promise<void> {
    const page = await browser.open(`${server.issuer}/session/end`);
    const end = await browser.press(page, 'op.logoutForm', { logout: 'yes' });
    expect(end).to.include({ status: 200, url: `${server.issuer}/session/end/success` });
  }
});
