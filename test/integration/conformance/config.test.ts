import { expect } from 'chai';
import { importJWK, type JWK } from 'jose';
import { request } from 'undici';
import { z } from 'zod';
import { describeOnEachDatabase } from '../../support/databases.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';

const ISSUER = 'https://login.gov.example';

const url = z.url({ protocol: /^https$/ });
const words = z.array(z.string().min(1)).min(1);
/** RFC 8414 §2, OpenID Connect Discovery §3 and the extensions that we have; nothing unknown. */
const metadata = z.strictObject({
  issuer: url,
  authorization_endpoint: url,
  token_endpoint: url,
  userinfo_endpoint: url,
  jwks_uri: url,
  end_session_endpoint: url,
  revocation_endpoint: url,
  introspection_endpoint: url,
  pushed_authorization_request_endpoint: url,
  scopes_supported: words,
  response_types_supported: words,
  response_modes_supported: words,
  grant_types_supported: words,
  acr_values_supported: words,
  subject_types_supported: words,
  claims_supported: words,
  claim_types_supported: words,
  ui_locales_supported: words,
  code_challenge_methods_supported: words,
  token_endpoint_auth_methods_supported: words,
  token_endpoint_auth_signing_alg_values_supported: words,
  id_token_signing_alg_values_supported: words,
  id_token_encryption_alg_values_supported: words,
  id_token_encryption_enc_values_supported: words,
  userinfo_signing_alg_values_supported: words,
  userinfo_encryption_alg_values_supported: words,
  userinfo_encryption_enc_values_supported: words,
  dpop_signing_alg_values_supported: words,
  claims_parameter_supported: z.boolean(),
  request_uri_parameter_supported: z.boolean(),
  authorization_response_iss_parameter_supported: z.boolean(),
  backchannel_logout_supported: z.boolean(),
  backchannel_logout_session_supported: z.boolean(),
});

// Section 1, on a server whose issuer is https; a proxy ends TLS before it.
describeOnEachDatabase('conformance/config', (current) => {
  let server: TestServer;
  let discovery: Record<string, unknown>;
  before(async () => {
    server = await startTestServer(current(), { settings: { issuer: ISSUER } });
    discovery = (await (
      await get('/.well-known/openid-configuration')
    ).body.json()) as typeof discovery;
  });
  after(() => server.stop());

  const get = (path: string) =>
    request(`http://127.0.0.1:${server.running.port}${path}`, {
      headers: { host: new URL(ISSUER).host },
    });
  const listOf = (name: string) => z.array(z.string()).parse(discovery[name]);
  const keys = async () =>
    (
      (await (await get(new URL(String(discovery['jwks_uri'])).pathname)).body.json()) as {
        keys: JWK[];
      }
    ).keys;

  it('1.1 discovery: 200, application/json', async () => {
    const { statusCode, headers, body } = await get('/.well-known/openid-configuration');
    await body.dump();
    expect(statusCode).to.equal(200);
    expect(headers['content-type']).to.match(/^application\/json/);
  });

  it('1.2 issuer: the prefix of the URL, https, nothing after it', () => {
    expect(discovery['issuer']).to.equal(ISSUER);
  });

  it('1.3 response_types_supported: code alone', () => {
    expect(listOf('response_types_supported')).to.deep.equal(['code']);
  });

  it('1.4 the whole document fits its schema, without unknown fields', () => {
    expect(metadata.safeParse(discovery).error?.issues ?? []).to.deep.equal([]);
  });

  it('1.5 subject_types_supported: pairwise', () => {
    expect(listOf('subject_types_supported')).to.deep.equal(['pairwise']);
  });

  it('1.6 id_token_signing_alg_values_supported: RS256, and never none', () => {
    expect(listOf('id_token_signing_alg_values_supported')).to.include('RS256');
    expect(JSON.stringify(discovery)).not.to.match(/alg[a-z_]*":\[[^\]]*"(?:none|HS\d+)"/);
  });

  it('1.7 userinfo_signing_alg_values_supported: only algorithms that we have keys for', async () => {
    const algorithms = (await keys()).map(({ alg }) => alg);
    expect(algorithms).to.include.members(listOf('userinfo_signing_alg_values_supported'));
    expect(algorithms).to.include.members(listOf('id_token_signing_alg_values_supported'));
  });

  it('1.8 every endpoint is https, at the issuer', () => {
    const endpoints = Object.keys(discovery).filter((name) => name.endsWith('_endpoint'));
    expect(endpoints).to.include.members([
      ...['authorization_endpoint', 'token_endpoint', 'userinfo_endpoint'],
    ]);
    for (const name of endpoints) {
      expect(new URL(String(discovery[name])).origin, name).to.equal(ISSUER);
    }
    expect(discovery).not.to.have.property('registration_endpoint');
  });

  it('1.9 jwks_uri: public keys that can be used, each with its own kid', async () => {
    const published = await keys();
    expect(new Set(published.map(({ kid }) => kid)).size).to.equal(published.length);
    for (const key of published) {
      expect(key).to.include({ use: 'sig' });
      expect(key.kid).to.be.a('string').that.is.not.empty;
      expect(key).not.to.have.any.keys('d', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'oth');
      expect(await importJWK(key)).to.have.property('type', 'public');
    }
  });

  it('1.10 request objects are not offered', () => {
    expect(discovery).not.to.have.property('request_object_signing_alg_values_supported');
    expect(discovery['request_uri_parameter_supported']).to.equal(false);
  });

  it('1.11 claims_supported is present', () => {
    expect(listOf('claims_supported')).to.include.members(['sub', 'name', 'email', 'acr']);
  });

  it('1.12 grant_types_supported: no implicit, no password', () => {
    expect(listOf('grant_types_supported')).to.have.members([
      ...['authorization_code', 'refresh_token', 'client_credentials'],
    ]);
  });

  it('1.13 scopes_supported: openid, in the characters of RFC 6749', () => {
    expect(listOf('scopes_supported')).to.include('openid');
    for (const scope of listOf('scopes_supported')) {
      expect(scope).to.match(/^[\x21\x23-\x5b\x5d-\x7e]+$/);
    }
  });

  it('1.14 locales are well-formed and in canonical case', () => {
    const locales = listOf('ui_locales_supported');
    expect(locales).to.deep.equal(['zh-CN', 'en']);
    expect(locales).to.deep.equal(Intl.getCanonicalLocales(locales));
  });

  it('1.15 code_challenge_methods_supported: S256 alone', () => {
    expect(listOf('code_challenge_methods_supported')).to.deep.equal(['S256']);
  });

  it('1.16 logout: end_session_endpoint, and both back-channel flags', () => {
    expect(new URL(String(discovery['end_session_endpoint'])).origin).to.equal(ISSUER);
    expect(discovery).to.include({
      backchannel_logout_supported: true,
      backchannel_logout_session_supported: true,
    });
    expect(discovery).not.to.have.any.keys('check_session_iframe', 'frontchannel_logout_supported');
  });
});
