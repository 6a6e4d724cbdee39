import { expect } from 'chai';
import { runOn } from '../../support/commands.ts';
import { describeOnEachDatabase } from '../../support/databases.ts';
import {
  authorizationRequest,
  callbackOf,
  personAt,
  postAsSite,
  redeem,
  signInAt,
  userinfo,
} from '../../support/person.ts';
import { aCitizen, aSite, startTestServer, type TestServer } from '../../support/test-server.ts';

describeOnEachDatabase('`restore finish`', (current) => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer(current());
  });
  after(() => server.stop());

  it('ends what a back-up calls alive: session, refresh token, opaque token, unused code', async () => {
    const [citizen, site] = [await aCitizen(server), await aSite(server)];
    const browser = personAt(server);
    const request = authorizationRequest(server, site, {
      scope: 'openid offline_access',
      prompt: 'consent',
    });
    const { code = '' } = await signInAt(browser, citizen, request);
    const { access_token: token = '', refresh_token: refresh = '' } = (
      await redeem(server, site, request, code)
    ).body;
    expect(refresh).not.to.equal('');
    const unused = authorizationRequest(server, site);
    const { code: unusedCode = '' } = callbackOf(await browser.open(unused.url));
    expect((await userinfo(server, token)).status).to.equal(200);

    const { exitCode, output } = await runOn(server, current(), 'restore', 'finish');

    expect(exitCode).to.equal(0);
    expect(output).to.include('Ended 1 sessions and every grant of 1 accounts.');
    const again = await browser.open(authorizationRequest(server, site).url);
    expect(new URL(again.url).pathname).to.match(/^\/interaction\//);
    const fields = { grant_type: 'refresh_token', refresh_token: refresh };
    const refreshed = await postAsSite(server, site, '/token', fields);
    expect(refreshed).to.include({ status: 400 });
    expect((await userinfo(server, token)).status).to.equal(401);
    expect(await redeem(server, site, unused, unusedCode)).to.include({ status: 400 });
  });

  it('finds nothing more to do when it is repeated, and says so in the audit log', async () => {
    const { output } = await runOn(server, current(), 'restore', 'finish');
    expect(output).to.include('Ended 0 sessions');
    const [event] = (await current()
      .db('audit_events')
      .where({ event: 'sys_restored' })
      .orderBy('seq', 'desc')
      .limit(1)) as { details: string | object }[];
    const { details = {} } = event ?? {};
    expect(typeof details === 'string' ? JSON.parse(details) : details).to.deep.equal({
      accounts: 0,
      sessions: 0,
    });
  });
});
