import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { completeFlow } from '../../support/conformance/checks.ts';
import { aTestedSite, Tester } from '../../support/conformance/tester.ts';
import { describeOnEachDatabase } from '../../support/databases.ts';
import { authorizationRequest, callbackOf, personAt, signInAt } from '../../support/person.ts';
import { aCitizen, aSite, startTestServer, type TestServer } from '../../support/test-server.ts';

// The traps at the head of CONFORMANCE.md that no line of its sections 1–5 would notice.
describeOnEachDatabase('conformance/traps', (current) => {
  let server: TestServer;
  let tester: Tester;
  before(async () => {
    server = await startTestServer(current());
    tester = await Tester.register(server, 'query');
  });
  after(() => server.stop());

  it('PKCE is on by default: without a challenge there is no code', async () => {
    const site = await aSite(server);
    const request = authorizationRequest(server, site, {
      ...{ code_challenge: undefined, code_challenge_method: undefined },
    });
    const answer = callbackOf(await personAt(server).open(request.url));
    expect(answer).to.include({ error: 'invalid_request', state: request.state });
  });

  it('a revocation is answered with nothing, and nothing is not text/plain', async () => {
    const { tokens } = await completeFlow(tester, { scope: 'openid offline_access' });
    const { clientId, secret } = tester.site;
    const response = await fetch(`${server.issuer}/token/revocation`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}`,
      },
      body: new URLSearchParams({ token: tokens.refresh_token ?? '' }),
    });
    expect(response.status).to.equal(200);
    expect(response.headers.get('content-type')).to.equal(null);
    expect(await response.text()).to.equal('');
    const refresh_token = tokens.refresh_token ?? '';
    const again = await tester.token(tester.site, { grant_type: 'refresh_token', refresh_token });
    expect(again.body.error).to.equal('invalid_grant');
  });

  it('a refresh token bound to a key stays as it is, so that a lost answer can be repeated', async () => {
    const site = await aTestedSite(server, {
      ...{ token_endpoint_auth_method: 'none', require_pkce: true },
    });
    const request = authorizationRequest(server, site, { scope: 'openid offline_access' });
    const { code = '' } = await signInAt(personAt(server), await aCitizen(server), request);
    const prove = await aDpopKey(`${server.issuer}/token`);
    const ask = async (fields: Record<string, string>) => {
      const response = await fetch(`${server.issuer}/token`, {
        method: 'POST',
        headers: { dpop: await prove() },
        body: new URLSearchParams({ client_id: site.clientId, ...fields }),
      });
      return (await response.json()) as Record<string, string>;
    };

    const first = await ask({
      ...{ grant_type: 'authorization_code', code, code_verifier: request.verifier },
      redirect_uri: site.redirectUri,
    });
    expect(first['token_type']).to.equal('DPoP');
    const { refresh_token = '' } = first;
    for (let times = 0; times < 2; times += 1) {
      const renewed = await ask({ grant_type: 'refresh_token', refresh_token });
      expect(renewed).to.include({ token_type: 'DPoP', refresh_token });
    }
  });

  it('a test realm lets one address sign in as often as a suite does', async () => {
    const limit = server.foundations.settings.limits.signInsPerAddress;
    for (let times = 0; times <= limit; times += 1) {
      const request = tester.request();
      const { parameters } = await tester.answer(tester.browser(), request);
      expect(parameters, `sign-in ${times}`).to.have.property('code');
    }
  });
});

/** Makes proofs of one key for POST to the URL (RFC 9449 §4.2). */
async function aDpopKey(htu: string): Promise<() => Promise<string>> {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const jwk = await exportJWK(publicKey);
  return () =>
    new SignJWT({ htm: 'POST', htu, jti: randomUUID() })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk })
      .setIssuedAt()
      .sign(privateKey);
}
