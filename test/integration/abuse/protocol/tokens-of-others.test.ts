import { expect } from 'chai';
import { SignJWT, UnsecuredJWT } from 'jose';
import { aSigningSite, JWT_BEARER } from '../../../support/assertions.ts';
import { describeOnAnyDatabase } from '../../../support/databases.ts';
import {
  authorizationRequest,
  claimsOf,
  personAt,
  postAsSite,
  redeem,
  signInAt,
  userinfo,
} from '../../../support/person.ts';
import { headerOf, jsonOf, send } from '../../../support/site-forms.ts';
import { formRequest } from '../../../support/raw-http.ts';
import {
  aCitizen,
  aSite,
  startTestServer,
  type Site,
  type TestServer,
} from '../../../support/test-server.ts';

interface Tokens {
  readonly code: string;
  readonly access: string;
  readonly refresh: string;
  readonly id: string;
}

describeOnAnyDatabase('abuse/protocol: tokens in the wrong place', (current) => {
  let server: TestServer;
  let site: Site;
  let stranger: Site;
  before(async function () {
    this.timeout(60_000);
    server = await startTestServer(current());
    site = await aSite(server);
    stranger = await aSite(server);
  });
  after(() => server.stop());

  async function tokens(): Promise<Tokens> {
    const request = authorizationRequest(server, site, { scope: 'openid offline_access' });
    const { code = '' } = await signInAt(personAt(server), await aCitizen(server), request);
    const { body } = await redeem(server, site, request, code);
    return {
      code,
      access: body.access_token ?? '',
      refresh: body.refresh_token ?? '',
      id: body.id_token ?? '',
    };
  }

  const refreshAs = (who: Site, refreshToken: string) =>
    postAsSite(server, who, '/token', { grant_type: 'refresh_token', refresh_token: refreshToken });

  it('P-18 takes no code, refresh token, ID token or forgery as a bearer token', async () => {
    const { code, refresh, id, access } = await tokens();
    const unsigned = new UnsecuredJWT(claimsOf(id)).encode();
    const other = await aSigningSite(server);
    const selfSigned = await new SignJWT(claimsOf(id))
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt' })
      .sign(other.privateKey);
    const wrong = [code, refresh, id, unsigned, selfSigned, `${access}x`, access.slice(0, -1)];
    for (const token of wrong) {
      expect((await userinfo(server, token)).status, token).to.equal(401);
    }
    expect((await userinfo(server, access)).status).to.equal(200);
  });

  it('P-18 takes a bearer token from the header, not from the query, and only once', async () => {
    const { access } = await tokens();
    const inQuery = await send(server, { target: `/me?access_token=${access}` });
    expect(inQuery.status).to.be.oneOf([400, 401]);
    const { headers, ...form } = formRequest({ access_token: access });
    const bearer = ['Authorization', `Bearer ${access}`] as const;
    const twice = await send(server, { target: '/me', ...form, headers: [...headers, bearer] });
    expect(twice.status).to.equal(400);
  });

  it('P-18 refuses a token that was revoked, and everything of its grant', async () => {
    const { access, refresh } = await tokens();
    await postAsSite(server, site, '/token/revocation', { token: refresh });
    expect((await userinfo(server, access)).status).to.equal(401);
    expect((await refreshAs(site, refresh)).status).to.equal(400);
  });

  it('P-18 exchanges nothing: token exchange and unknown grants do not exist', async () => {
    const { id, access } = await tokens();
    for (const grantType of [
      'urn:ietf:params:oauth:grant-type:token-exchange',
      'urn:ietf:params:oauth:grant-type:jwt-bearer',
      'password',
      'implicit',
      '__proto__',
      'constructor',
      'toString',
    ]) {
      const { status, body } = await postAsSite(server, site, '/token', {
        ...{ grant_type: grantType, username: 'x', password: 'x', assertion: id },
        ...{ subject_token: access, subject_token_type: 'x' },
      });
      expect([status, body.error], grantType).to.deep.equal([400, 'unsupported_grant_type']);
    }
  });

  it('P-18 takes a code only as a code and a refresh token only as a refresh token', async () => {
    const { refresh, access, id } = await tokens();
    for (const token of [refresh, access, id]) {
      const { status } = await postAsSite(server, site, '/token', {
        ...{ grant_type: 'authorization_code', code: token, redirect_uri: site.redirectUri },
        code_verifier: 'x'.repeat(43),
      });
      expect(status).to.equal(400);
    }
    for (const token of [access, id]) expect((await refreshAs(site, token)).status).to.equal(400);
    // None of these tries has cost the owner anything.
    expect((await refreshAs(site, refresh)).status).to.equal(200);
  });

  it('P-18 gives another client nothing for a code or refresh token that is not its own', async () => {
    const { access, refresh } = await tokens();
    const taken = await refreshAs(stranger, refresh);
    expect([taken.status, taken.body.error]).to.deep.equal([400, 'invalid_grant']);
    expect((await userinfo(server, access)).status).to.equal(200);
    expect((await refreshAs(site, refresh)).status).to.equal(200);
  });

  it('P-18 tells another client nothing about a token and lets it revoke nothing', async () => {
    const { access, refresh } = await tokens();
    for (const token of [access, refresh]) {
      const seen = await postAsSite(server, stranger, '/token/introspection', { token });
      expect(seen.body).to.deep.equal({ active: false });
      const absent = await postAsSite(server, stranger, '/token/revocation', { token: 'absent' });
      const revoked = await postAsSite(server, stranger, '/token/revocation', { token });
      expect(revoked).to.deep.equal(absent);
      const own = await postAsSite(server, site, '/token/introspection', { token });
      expect(own.body).to.include({ active: true, client_id: site.clientId });
    }
    expect((await refreshAs(site, refresh)).status).to.equal(200);
  });

  it('P-18 widens nothing at a refresh', async () => {
    const { refresh } = await tokens();
    const { status, body } = await postAsSite(server, site, '/token', {
      grant_type: 'refresh_token',
      refresh_token: refresh,
      scope: 'openid profile_basic id_number',
    });
    expect([status, body.error]).to.deep.equal([400, 'invalid_scope']);
  });

  it('P-13 refuses an assertion for another audience, whatever Host it comes to', async () => {
    const signing = await aSigningSite(server);
    const { host } = new URL(server.issuer);
    for (const [aud, sentTo] of [
      ['https://evil.example', 'evil.example'],
      ['https://evil.example', host],
      ['http://evil.example/token', 'evil.example'],
      [`${server.issuer}/token`, host],
      [`${server.issuer}/`, host],
      [[server.issuer, 'https://evil.example'], host],
      [undefined, host],
    ] as const) {
      const assertion = await signing.assertion({ aud });
      const { status } = await send(server, {
        ...{ target: '/token', host: sentTo },
        ...formRequest({ grant_type: 'client_credentials', ...signing.fields(assertion) }),
      });
      expect(status, JSON.stringify(aud)).to.equal(sentTo === host ? 401 : 421);
    }
  });

  it('P-13 refuses assertions that are unsigned, old, endless, nameless or of another client', async () => {
    const [signing, other] = [await aSigningSite(server), await aSigningSite(server)];
    const now = Math.floor(Date.now() / 1000);
    const { clientId } = signing.site;
    const usual = { iss: clientId, sub: clientId, aud: server.issuer, exp: now + 60, jti: 'x' };
    const wrong = [
      new UnsecuredJWT(usual).encode(),
      await new SignJWT(usual).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.alloc(32)),
      await signing.assertion({ exp: now - 60 }),
      await signing.assertion({ exp: now + 10 * 86_400 }),
      await signing.assertion({ exp: undefined }),
      await signing.assertion({ jti: undefined }),
      await signing.assertion({ iss: other.site.clientId }),
      await signing.assertion({ sub: other.site.clientId }),
      await other.assertion(),
    ];
    for (const assertion of wrong) {
      const { status } = await send(server, {
        target: '/token',
        ...formRequest({ grant_type: 'client_credentials', ...signing.fields(assertion) }),
      });
      // 400 where the assertion speaks for another client than `client_id` does.
      expect(status).to.be.oneOf([400, 401]);
    }
  });

  it('P-13 refuses a site that authenticates in no way, or in one it is not registered for', async () => {
    const other = await aSigningSite(server);
    const fields = { grant_type: 'client_credentials', client_id: site.clientId };
    const attempts = [
      { ...fields },
      { ...fields, client_secret: '' },
      { ...fields, client_secret: 'wrong-wrong-wrong' },
      {
        ...fields,
        client_assertion_type: JWT_BEARER,
        client_assertion: await other.assertion({ sub: site.clientId }),
      },
    ];
    for (const attempt of attempts) {
      const answer = await send(server, { target: '/token', ...formRequest(attempt) });
      expect(answer.status).to.equal(401);
      expect(jsonOf(answer)).to.include({ error: 'invalid_client' });
    }
  });

  it('P-13 tells an unknown client and a wrong secret apart by nothing', async () => {
    const answers = [];
    for (const [clientId, secret] of [
      [site.clientId, 'wrong-wrong-wrong'],
      ['absent', 'wrong-wrong-wrong'],
      ['yirentong-account', 'wrong-wrong-wrong'],
    ]) {
      const pair = Buffer.from(`${clientId}:${secret}`).toString('base64');
      const { headers, ...form } = formRequest({ grant_type: 'refresh_token', refresh_token: 'x' });
      const answer = await send(server, {
        ...{ target: '/token', ...form },
        headers: [...headers, ['Authorization', `Basic ${pair}`]],
      });
      answers.push([answer.status, jsonOf(answer), headerOf(answer, 'www-authenticate')]);
    }
    expect(answers[1]).to.deep.equal(answers[0]);
    expect(answers[2]).to.deep.equal(answers[0]);
  });
});
