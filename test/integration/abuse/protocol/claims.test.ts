import { expect } from 'chai';
import { compactDecrypt, exportJWK, generateKeyPair } from 'jose';
import { describeOnAnyDatabase } from '../../../support/databases.ts';
import {
  authorizationRequest,
  callbackOf,
  claimsOf,
  enterPassword,
  personAt,
  postAsSite,
  redeem,
  signInAt,
  userinfo,
} from '../../../support/person.ts';
import {
  aCitizen,
  aSite,
  startTestServer,
  type Citizen,
  type Site,
  type TestServer,
} from '../../../support/test-server.ts';

describeOnAnyDatabase('abuse/protocol: what a site learns', (current) => {
  let server: TestServer;
  let citizen: Citizen;
  before(async function () {
    this.timeout(60_000);
    server = await startTestServer(current());
    citizen = await aCitizen(server, { name: '欧阳示例' });
  });
  after(() => server.stop());

  async function subAt(site: Site, who = citizen) {
    const request = authorizationRequest(server, site);
    const { code = '' } = await signInAt(personAt(server), who, request);
    const { body } = await redeem(server, site, request, code);
    const claims = await userinfo(server, body.access_token ?? '');
    const { sub } = claimsOf(body.id_token ?? '');
    expect(claims.body['sub']).to.equal(sub);
    return sub;
  }

  /** Everything a site gets for a request: ID token, userinfo, token answer. */
  async function everythingFor(site: Site, more: Readonly<Record<string, string>>) {
    const request = authorizationRequest(server, site, more);
    const browser = personAt(server);
    const page = await enterPassword(browser, await browser.open(request.url), citizen);
    const shown = page.text;
    const callback = await signInAt(browser, citizen, request);
    const { body } = await redeem(server, site, request, callback['code'] ?? '');
    const claims = await userinfo(server, body.access_token ?? '');
    return { shown, idToken: claimsOf(body.id_token ?? ''), userinfo: claims.body, token: body };
  }

  it('P-24 refuses a scope that is not registered for the site, and drops one that is unknown', async () => {
    const site = await aSite(server);
    const browser = personAt(server);
    await signInAt(browser, citizen, authorizationRequest(server, site));
    for (const scope of ['id_number', 'profile', 'phone', '__proto__', 'openid\tprofile', '"x"']) {
      const request = authorizationRequest(server, site, { scope: `openid ${scope}` });
      const { code, error } = callbackOf(await browser.open(request.url));
      if (code === undefined) {
        expect(error, scope).to.equal('invalid_scope');
      } else {
        expect(scope).not.to.be.oneOf(['id_number', 'profile', 'phone']);
        const { body } = await redeem(server, site, request, code);
        expect(body['scope'], scope).to.equal('openid');
      }
    }
  });

  it('P-24 neither shows nor gives claims by name that the site is not approved for', async () => {
    const site = await aSite(server);
    const wanted = ['id_number', 'id_type', 'phone_number', 'email', 'name', 'birthdate'];
    const asked = Object.fromEntries(wanted.map((name) => [name, { essential: true }]));
    const got = await everythingFor(site, {
      claims: JSON.stringify({ id_token: asked, userinfo: asked }),
    });
    expect(got.shown).to.equal('');
    expect(got.idToken).not.to.have.any.keys(...wanted);
    expect(got.userinfo).not.to.have.any.keys(...wanted);
    const all = JSON.stringify(got);
    for (const value of [citizen.idNumber ?? '', citizen.phone, citizen.name]) {
      expect(all).not.to.include(value);
    }
  });

  it('P-24 asks a private site to be allowed, and shows only what it is approved for', async () => {
    const site = await aSite(server, { government: false, scope: 'openid phone' });
    const got = await everythingFor(site, {
      scope: 'openid phone',
      claims: JSON.stringify({ userinfo: { id_number: null, email: null, phone_number: null } }),
    });
    expect(got.shown).to.include('139****').and.not.to.include('@example.com');
    expect(got.shown).not.to.include(citizen.idNumber?.slice(6, 14));
    expect(got.userinfo).to.have.property('phone_number');
    expect(got.userinfo).not.to.have.any.keys('id_number', 'id_number_masked', 'email');
  });

  it('P-24 ignores claims that are no claims, and refuses a parameter that is none', async () => {
    const site = await aSite(server);
    const browser = personAt(server);
    await signInAt(browser, citizen, authorizationRequest(server, site));
    const harmless = [
      '{"userinfo":{"__proto__":{"x":1},"constructor":null,"toString":{"essential":true}}}',
      '{"__proto__":{"id_token":{"acr":{"essential":true,"value":"urn:yirentong:aal:3"}}}}',
      '{"id_token":{"sub\\u0000":null}}',
      `{"userinfo":${JSON.stringify(Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`c${i}`, null])))}}`,
    ];
    for (const claims of harmless) {
      const page = await browser.open(authorizationRequest(server, site, { claims }).url);
      expect(page.status, claims).to.equal(303);
      const { code, error } = callbackOf(page);
      expect(code !== undefined || error === 'invalid_request', claims).to.equal(true);
    }
    for (const claims of [
      '[]',
      'null',
      '1',
      '"x"',
      '{',
      '',
      '{"id_token":[]}',
      '{"id_token":"x"}',
      '{"id_token":{"acr":"x"}}',
      '{"userinfo":{"name":[]}}',
      '\u0000',
    ]) {
      const page = await browser.open(authorizationRequest(server, site, { claims }).url);
      const { error } = callbackOf(page);
      expect(page.status, claims).to.equal(303);
      expect(error ?? 'code', claims).to.be.oneOf(['invalid_request', 'code']);
    }
  });

  it('P-24 refuses another sub than the person’s through the claims parameter', async () => {
    const site = await aSite(server);
    const other = await subAt(site, await aCitizen(server));
    const browser = personAt(server);
    await signInAt(browser, citizen, authorizationRequest(server, site));
    const claims = JSON.stringify({ id_token: { sub: { value: other } } });
    const { url } = authorizationRequest(server, site, { claims, prompt: 'none' });
    expect(callbackOf(await browser.open(url))['error']).to.equal('login_required');
  });

  it('P-24 registers no site for ID numbers that could not receive them encrypted', async () => {
    for (const more of [
      {},
      { legal_ground: '依法' },
      { legal_ground: '依法', userinfo_signed_response_alg: 'ES256' },
      { userinfo_signed_response_alg: 'ES256', userinfo_encrypted_response_alg: 'ECDH-ES' },
    ]) {
      const refusal = await aSite(server, { scope: 'openid id_number', ...more }).then(
        () => undefined,
        (error: unknown) => (error as Error).name,
      );
      expect(refusal).to.equal('ClientMetadataInvalid');
    }
  });

  it('P-24 gives no ID number in a session of one factor, not even encrypted', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ECDH-ES', { extractable: true });
    const jwk = { ...(await exportJWK(publicKey)), use: 'enc', alg: 'ECDH-ES', kid: 'e' };
    const site = await aSite(server, {
      ...{ scope: 'openid id_number', legal_ground: '依法', jwks: { keys: [jwk] } },
      ...{ userinfo_signed_response_alg: 'ES256', userinfo_encrypted_response_alg: 'ECDH-ES' },
    });
    const request = authorizationRequest(server, site, { scope: 'openid id_number' });
    const notPushed = callbackOf(await personAt(server).open(request.url));
    expect(notPushed['error']).to.equal('invalid_request');

    const parameters = Object.fromEntries(new URL(request.url).searchParams);
    const pushed = await postAsSite(server, site, '/request', parameters);
    const url = new URL('/auth', server.issuer);
    url.searchParams.set('client_id', site.clientId);
    url.searchParams.set('request_uri', String(pushed.body['request_uri']));
    const callback = await signInAt(personAt(server), citizen, { ...request, url: url.href });
    const { body } = await redeem(server, site, request, callback['code'] ?? '');
    const answer = await fetch(`${server.issuer}/me`, {
      headers: { authorization: `Bearer ${body.access_token ?? ''}` },
    });
    const { plaintext } = await compactDecrypt(await answer.text(), privateKey);
    const claims = claimsOf(new TextDecoder().decode(plaintext));
    expect(claims).to.have.property('sub');
    expect(JSON.stringify(claims)).not.to.include(citizen.idNumber);
    expect(claims).not.to.have.property('id_number');
  });

  it('P-25 knows a person by one sub in a department and by another in each other', async () => {
    const [one, two] = [
      await aSite(server, { department: 'tax' }),
      await aSite(server, { department: 'tax' }),
    ];
    const elsewhere = await aSite(server, { department: 'housing' });
    const sub = await subAt(one);
    expect(await subAt(two)).to.equal(sub);
    expect(await subAt(elsewhere)).not.to.equal(sub);
    expect(await subAt(one, await aCitizen(server))).not.to.equal(sub);
    expect(sub).not.to.include(citizen.accountId);
  });

  it('P-25 keeps the sub when the signing key rotates', async () => {
    const site = await aSite(server);
    const before = await subAt(site);
    const { records, holder } = server.running.services;
    const provider = holder.current;
    await records.signingKeys.rotate({ publishAheadSeconds: 0, keepSeconds: 60 });
    // The rotation wakes the holder by itself; this waits until it has looked.
    await holder.reload();
    expect(holder.current).not.to.equal(provider);
    expect(await subAt(site)).to.equal(before);
  });
});
