import { expect } from 'chai';
import { aSigningSite } from '../../../support/assertions.ts';
import { burst, statusesOf } from '../../../support/burst.ts';
import { describeOnPostgresql } from '../../../support/databases.ts';
import {
  authorizationRequest,
  personAt,
  postAsSite,
  redeem,
  signInAt,
  userinfo,
} from '../../../support/person.ts';
import { formRequest, type RawAnswer } from '../../../support/raw-http.ts';
import { startSecondProcess, type SecondProcess } from '../../../support/second-process.ts';
import { codeFields, jsonOf, send, siteForm, targetOf } from '../../../support/site-forms.ts';
import {
  aCitizen,
  aSite,
  startTestServer,
  type Site,
  type TestServer,
} from '../../../support/test-server.ts';

describeOnPostgresql('abuse/protocol: what may be used once', (current) => {
  let server: TestServer;
  let second: SecondProcess;
  before(async function () {
    this.timeout(60_000);
    server = await startTestServer(current());
    second = await startSecondProcess(server, current());
  });
  after(async () => {
    await second.stop();
    await server.stop();
  });

  const bothProcesses = () => targetOf(server, second.port);

  async function aCode(site: Site) {
    const request = authorizationRequest(server, site, { scope: 'openid offline_access' });
    const { code = '' } = await signInAt(personAt(server), await aCitizen(server), request);
    return { request, code };
  }

  const reuseEvents = async ({ clientId }: Site) =>
    (await current()
      .db('audit_events')
      .where({ event: 'authn_token_reuse', client_id: clientId })
      .pluck('details')) as { kind: string }[];

  const revokedGrants = async ({ clientId }: Site) =>
    (await current()
      .db('grants')
      .where({ client_id: clientId })
      .whereNotNull('revoked_at')
      .pluck('client_id')) as string[];

  async function expectAllDead(site: Site, answers: readonly RawAnswer[]): Promise<void> {
    const winner = jsonOf(answers.find(({ status }) => status === 200) as RawAnswer);
    expect((await userinfo(server, String(winner['access_token']))).status).to.equal(401);
    const refreshed = await postAsSite(server, site, '/token', {
      grant_type: 'refresh_token',
      refresh_token: String(winner['refresh_token']),
    });
    expect(refreshed.body.error).to.equal('invalid_grant');
    expect(await revokedGrants(site)).to.have.length(1);
  }

  it('P-01 gives tokens once for fifty redemptions of one code, and kills them', async () => {
    const site = await aSite(server);
    const { request, code } = await aCode(site);
    const answers = await burst(50, bothProcesses(), () =>
      siteForm(site, '/token', codeFields(site, request, code)),
    );
    expect(statusesOf(answers)).to.deep.equal({ 200: 1, 400: 49 });
    const losers = answers.filter(({ status }) => status === 400);
    for (const loser of losers) expect(jsonOf(loser)['error']).to.equal('invalid_grant');
    await expectAllDead(site, answers);
    expect(await reuseEvents(site)).to.deep.equal([{ kind: 'authorization_code' }]);
  });

  it('P-01 kills the tokens of a code that is presented again later', async () => {
    const site = await aSite(server);
    const { request, code } = await aCode(site);
    const first = await send(server, siteForm(site, '/token', codeFields(site, request, code)));
    const again = await send(server, siteForm(site, '/token', codeFields(site, request, code)));
    expect([first.status, again.status]).to.deep.equal([200, 400]);
    await expectAllDead(site, [first]);
    expect(await reuseEvents(site)).to.have.length(1);
  });

  it('P-01 leaves a code alone that a stranger, or a wrong verifier, tried before', async () => {
    const [site, stranger] = [await aSite(server), await aSite(server)];
    const { request, code } = await aCode(site);
    const asStranger = await redeem(server, stranger, request, code);
    expect(asStranger.body.error).to.equal('invalid_grant');
    const owner = await redeem(server, site, request, code);
    expect(owner.status).to.equal(200);
  });

  it('P-09 refreshes once for fifty uses of one refresh token, and kills the family', async () => {
    const site = await aSite(server);
    const { request, code } = await aCode(site);
    const { body } = await redeem(server, site, request, code);
    const answers = await burst(50, bothProcesses(), () =>
      siteForm(site, '/token', {
        grant_type: 'refresh_token',
        refresh_token: body.refresh_token ?? '',
      }),
    );
    expect(statusesOf(answers)).to.deep.equal({ 200: 1, 400: 49 });
    await expectAllDead(site, answers);
    expect((await userinfo(server, body.access_token ?? '')).status).to.equal(401);
    expect(await reuseEvents(site)).to.deep.equal([{ kind: 'refresh_token' }]);
  });

  it('P-09 kills the family when an old refresh token comes after the new one was used', async () => {
    const site = await aSite(server);
    const { request, code } = await aCode(site);
    const { body: first } = await redeem(server, site, request, code);
    const refresh = (refreshToken = '') =>
      postAsSite(server, site, '/token', {
        grant_type: 'refresh_token',
        refresh_token: refreshToken,
      });
    const second = await refresh(first.refresh_token);
    const third = await refresh(second.body.refresh_token);
    expect(third.status).to.equal(200);
    expect((await refresh(first.refresh_token)).status).to.equal(400);
    expect((await refresh(third.body.refresh_token)).status).to.equal(400);
    expect((await userinfo(server, third.body.access_token ?? '')).status).to.equal(401);
  });

  it('P-12 accepts one of fifty requests with one client assertion', async () => {
    const signing = await aSigningSite(server);
    const assertion = await signing.assertion();
    const answers = await burst(50, bothProcesses(), () => ({
      target: '/token',
      ...formRequest({ grant_type: 'client_credentials', ...signing.fields(assertion) }),
    }));
    expect(statusesOf(answers)).to.deep.equal({ 200: 1, 401: 49 });
  });

  it('P-12 accepts one of fifty different assertions with one jti, on any endpoint', async () => {
    const signing = await aSigningSite(server);
    const assertions = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        signing.assertion({ jti: 'the-same', iat: Math.floor(Date.now() / 1000) - index }),
      ),
    );
    const targets = ['/token', '/token/introspection', '/token/revocation', '/request'];
    const answers = await burst(50, bothProcesses(), (index) => ({
      target: targets[index % targets.length] ?? '',
      ...formRequest({
        ...{ grant_type: 'client_credentials', token: 'x', response_type: 'code' },
        ...{ code_challenge: 'x'.repeat(43), code_challenge_method: 'S256' },
        ...signing.fields(assertions[index] ?? ''),
      }),
    }));
    expect(answers.filter(({ status }) => status !== 401)).to.have.length(1);
  });

  it('P-12 accepts one of fifty uses of a pushed request', async () => {
    const site = await aSite(server);
    const browser = personAt(server);
    await signInAt(browser, await aCitizen(server), authorizationRequest(server, site));
    const { searchParams } = new URL(authorizationRequest(server, site).url);
    const pushed = await postAsSite(server, site, '/request', Object.fromEntries(searchParams));
    const query = new URLSearchParams({
      client_id: site.clientId,
      request_uri: String(pushed.body['request_uri']),
    });
    const cookie = [...browser.cookies(server.issuer)]
      .map(([name, v]) => `${name}=${v}`)
      .join('; ');
    const answers = await burst(50, bothProcesses(), () => ({
      target: `/auth?${query.toString()}`,
      headers: [['Cookie', cookie]],
    }));
    const codes = answers.filter(({ headers }) => headers.get('location')?.[0]?.includes('code='));
    expect(codes).to.have.length(1);
    expect(answers.filter(({ status }) => status >= 500)).to.deep.equal([]);
  });
});
