/** Lines 2.1–2.16 and 2.24–2.26: the flow itself, userinfo, claims by scope, parameters without effect. */
import { expect } from 'chai';
import { importJWK, decodeProtectedHeader, type JWK } from 'jose';
import { completeFlow, expectError, expectErrorPage, type Flow } from './checks.ts';
import { aTestedSite, type Tester } from './tester.ts';

const PROFILE = [
  ...['name', 'preferred_username', 'gender', 'birthdate', 'zoneinfo', 'locale', 'updated_at'],
];
const SCOPE_CLAIMS = [
  ...PROFILE,
  ...['email', 'email_verified', 'phone_number', 'phone_number_verified', 'address'],
];

export function describeTokensAndClaims(current: () => Tester): void {
  it('2.1 server: a code flow succeeds, with no scope claims in the ID token', async () => {
    const { idToken } = await completeFlow(current(), { scope: 'openid profile email phone' });
    expect(idToken).not.to.have.any.keys(...SCOPE_CLAIMS);
  });

  it('2.2 response-type-missing: is an invalid_request', async () => {
    const request = current().request({ response_type: undefined });
    const answer = await current().immediate(current().browser(), request);
    expectError(current(), request, answer, ['invalid_request', 'unsupported_response_type']);
  });

  it('2.3 idtoken-signature: RS256 by default, with a key of the JWKS', async () => {
    const { tokens } = await completeFlow(current());
    const { alg, kid } = decodeProtectedHeader(tokens.id_token ?? '');
    const jwks = await fetch(`${current().server.issuer}/jwks`);
    const { keys } = (await jwks.json()) as { keys: JWK[] };
    const key = keys.find((one) => one.kid === kid);
    expect(alg).to.equal('RS256');
    expect(key).to.include({ kty: 'RSA', use: 'sig', alg: 'RS256' });
    expect(await importJWK(key ?? {})).to.have.property('type', 'public');
  });

  it('2.4 idtoken-unsigned (not applicable): `none` cannot be registered', async () => {
    const registering = aTestedSite(current().server, { id_token_signed_response_alg: 'none' });
    const error = await registering.catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(Error).with.property('name', 'ClientMetadataInvalid');
  });

  it('2.5 userinfo-get: Bearer header', async () => {
    const { tokens, idToken } = await completeFlow(current());
    await expectUserinfo(await current().userinfo(tokens.access_token), idToken);
  });

  it('2.6 userinfo-post-header: Bearer header', async () => {
    const { tokens, idToken } = await completeFlow(current());
    const response = await current().userinfo(tokens.access_token, { method: 'POST' });
    await expectUserinfo(response, idToken);
  });

  it('2.7 userinfo-post-body: the token in the form', async () => {
    const { tokens, idToken } = await completeFlow(current());
    const body = new URLSearchParams({ access_token: tokens.access_token ?? '' });
    const response = await current().userinfo('', { method: 'POST', headers: {}, body });
    await expectUserinfo(response, idToken);
  });

  it('2.8 without-nonce-succeeds: and the ID token has none', async () => {
    const { idToken } = await completeFlow(current(), { nonce: undefined });
    expect(idToken).not.to.have.property('nonce');
  });

  it('2.9 scope-profile: what we know of the profile, in the right types', async () => {
    const { userinfo } = await completeFlow(current(), { scope: 'openid profile' });
    expect(userinfo).to.include.all.keys(...PROFILE);
    expect(userinfo['updated_at']).to.be.a('number');
    expect(userinfo['birthdate']).to.match(/^\d{4}-\d{2}-\d{2}$/);
    expect(Intl.getCanonicalLocales(String(userinfo['locale']))).to.deep.equal(['zh-CN']);
    expect(Intl.supportedValuesOf('timeZone')).to.include(userinfo['zoneinfo']);
    expect(userinfo).not.to.have.any.keys('email', 'phone_number');
  });

  it('2.10 scope-email: in userinfo, and nothing else', async () => {
    const { userinfo, idToken } = await completeFlow(current(), { scope: 'openid email' });
    expect(userinfo['email']).to.equal(`${current().citizen.username}@example.com`);
    expect(userinfo['email_verified']).to.equal(true);
    expect(userinfo).not.to.have.any.keys('name', 'phone_number');
    expect(idToken).not.to.have.any.keys('email', 'email_verified');
  });

  it('2.11 scope-address: nobody’s address is known, so the claim is left out', async () => {
    const { userinfo } = await completeFlow(current(), { scope: 'openid address' });
    expect(userinfo).to.have.all.keys('sub');
  });

  it('2.12 scope-phone: in userinfo', async () => {
    const { userinfo } = await completeFlow(current(), { scope: 'openid phone' });
    expect(userinfo['phone_number']).to.equal(`+86${current().citizen.phone}`);
    expect(userinfo['phone_number_verified']).to.equal(true);
  });

  it('2.13 scope-all: all of them at once', async () => {
    const { userinfo } = await completeFlow(current(), {
      scope: 'openid profile email phone address',
    });
    expect(userinfo).to.include.all.keys(...PROFILE, 'email', 'phone_number');
  });

  it('2.14 alternate-happy-flow: scopes and parameters in another order', async () => {
    const scope = 'address phone email profile openid';
    const { userinfo } = await completeFlow(current(), {
      ...{ scope, response_type: 'code', redirect_uri: current().site.redirectUri },
      client_id: current().site.clientId,
    });
    expect(userinfo).to.include.all.keys('name', 'email', 'phone_number');
  });

  for (const [line, parameters] of Object.entries({
    '2.15 display=page': { display: 'page' },
    '2.16 display=popup': { display: 'popup' },
    '2.22 unknown-parameter': { extra: 'foobar' },
    '2.24 login-hint': { login_hint: 'buffy@example.com' },
    '2.25 ui-locales=se': { ui_locales: 'se' },
    '2.26 claims-locales=se': { claims_locales: 'se' },
  })) {
    it(`${line}: succeeds`, async () => {
      await completeFlow(current(), parameters);
    });
  }

  it('2.30 ensure-registered-redirect-uri: an error page, no redirect anywhere', async () => {
    const redirect_uri = `${current().site.redirectUri}/more`;
    const request = current().request({ redirect_uri });
    expectErrorPage(current(), await current().immediate(current().browser(), request));
  });

  it('2.35 claims-essential: name in userinfo', async () => {
    const claims = JSON.stringify({ userinfo: { name: { essential: true } } });
    const { userinfo } = await completeFlow(current(), { claims });
    expect(userinfo['name']).to.equal(current().citizen.name);
  });
}

async function expectUserinfo(response: Response, idToken: Flow['idToken']): Promise<void> {
  expect(response.status).to.equal(200);
  expect(response.headers.get('content-type')).to.match(/^application\/json/);
  expect(await response.json()).to.have.property('sub', idToken.sub);
}
