import { expect } from 'chai';
import { describeOnEachDatabase } from '../../support/databases.ts';
import {
  authorizationRequest,
  callbackOf,
  claimsOf,
  personAt,
  redeem,
  signInAt,
  userinfo,
} from '../../support/person.ts';
import { aCitizen, aSite, startTestServer, type TestServer } from '../../support/test-server.ts';

describeOnEachDatabase('journeys/one sign-in, many sites', (current) => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer(current());
  });
  after(() => server.stop());

  it('signs a citizen in at one site and lets them into another without a page', async () => {
    const [portal, fund] = [await aSite(server), await aSite(server)];
    const citizen = await aCitizen(server, { name: '张示例' });
    const browser = personAt(server);

    const first = authorizationRequest(server, portal);
    const callback = await signInAt(browser, citizen, first);
    expect(callback).to.include({ state: first.state, iss: server.issuer });
    const tokens = await redeem(server, portal, first, callback['code'] ?? '');
    expect(tokens.status).to.equal(200);
    const idToken = claimsOf(tokens.body.id_token ?? '');
    expect(idToken).to.include({
      iss: server.issuer,
      aud: portal.clientId,
      nonce: first.nonce,
      acr: 'urn:yirentong:aal:1',
    });
    expect(idToken).not.to.have.any.keys('name_masked', 'real_name_level');

    const claims = await userinfo(server, tokens.body.access_token ?? '');
    expect(claims.status).to.equal(200);
    expect(claims.body).to.include({
      name_masked: '张*例',
      real_name_level: 4,
      age_group: 'adult',
    });

    const second = authorizationRequest(server, fund);
    const page = await browser.open(second.url);
    const otherTokens = await redeem(server, fund, second, callbackOf(page)['code'] ?? '');
    expect(otherTokens.status).to.equal(200);
    const otherIdToken = claimsOf(otherTokens.body.id_token ?? '');
    expect(otherIdToken['sub']).not.to.equal(idToken['sub']);
    expect(otherIdToken['auth_time']).to.equal(idToken['auth_time']);
  });
});
