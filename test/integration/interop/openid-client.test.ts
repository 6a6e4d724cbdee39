/** A stock client library against the whole server: what a site's developer does first. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { exportJWK, generateKeyPair, type GenerateKeyPairResult, type JWK } from 'jose';
import * as oidc from 'openid-client';
import { describeOnPostgresql } from '../../support/databases.ts';
import { decide, enterPassword, personAt } from '../../support/person.ts';
import { aCitizen, aSite, startTestServer, type TestServer } from '../../support/test-server.ts';

const CALLBACK = 'https://site.example/callback';
const API = 'https://api.example/records';

interface Checks {
  readonly expectedState: string;
  readonly expectedNonce: string;
  readonly pkceCodeVerifier: string;
}

describeOnPostgresql('interop/openid-client', (current) => {
  let server: TestServer;
  let keyServer: Server;
  let signing: { privateKey: GenerateKeyPairResult['privateKey']; jwk: JWK };

  before(async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
    signing = { privateKey, jwk: { ...(await exportJWK(publicKey)), kid: 'site', alg: 'ES256' } };
    keyServer = createServer((_request, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ keys: [signing.jwk] }));
    });
    await new Promise<void>((resolve) => keyServer.listen(0, '127.0.0.1', resolve));
    server = await startTestServer(current(), {
      settings: {
        egress: { allowedPrivateCidrs: ['127.0.0.0/8'] },
        resourceServers: [{ identifier: API, scopes: ['read'], accessTokenFormat: 'jwt' }],
      },
    });
  });
  after(async () => {
    await server.stop();
    await new Promise((resolve) => keyServer.close(resolve));
  });

  async function discover(
    registration: Readonly<Record<string, unknown>>,
    authentication: (secret: string) => oidc.ClientAuth,
  ): Promise<oidc.Configuration> {
    const site = await aSite(server, { redirect_uris: [CALLBACK], ...registration });
    const execute = [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks];
    const { id_token_signed_response_alg = 'ES256', userinfo_signed_response_alg } = registration;
    const metadata = {
      id_token_signed_response_alg: String(id_token_signed_response_alg),
      ...(typeof userinfo_signed_response_alg === 'string' && { userinfo_signed_response_alg }),
    };
    const url = new URL(server.issuer);
    return await oidc.discovery(url, site.clientId, metadata, authentication(site.secret), {
      execute,
    });
  }

  async function parametersOf(more: Readonly<Record<string, string>>) {
    const checks: Checks = {
      expectedState: oidc.randomState(),
      expectedNonce: oidc.randomNonce(),
      pkceCodeVerifier: oidc.randomPKCECodeVerifier(),
    };
    const parameters = {
      ...{ redirect_uri: CALLBACK, scope: 'openid profile_basic offline_access' },
      ...{ state: checks.expectedState, nonce: checks.expectedNonce },
      code_challenge: await oidc.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
      code_challenge_method: 'S256',
      ...more,
    };
    return { checks, parameters };
  }

  /** From the authorization URL to the tokens, answering pages as they come. */
  async function signIn(
    config: oidc.Configuration,
    more: Readonly<Record<string, string>> = {},
    browser = personAt(server),
  ) {
    const { checks, parameters } = await parametersOf(more);
    let page = await browser.open(oidc.buildAuthorizationUrl(config, parameters));
    if (page.text.includes('/password"')) {
      page = await enterPassword(browser, page, await aCitizen(server, { name: '张示例' }));
    }
    if (page.text.includes('/consent"')) page = await decide(browser, page);
    return await oidc.authorizationCodeGrant(config, new URL(page.url), checks);
  }

  const keyUrl = () =>
    `http://127.0.0.1:${String((keyServer.address() as AddressInfo).port)}/jwks.json`;
  const methods: Readonly<
    Record<string, readonly [() => Record<string, unknown>, (secret: string) => oidc.ClientAuth]>
  > = {
    client_secret_basic: [() => ({}), (secret) => oidc.ClientSecretBasic(secret)],
    client_secret_post: [() => ({}), (secret) => oidc.ClientSecretPost(secret)],
    'private_key_jwt by jwks': [
      () => ({ token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [signing.jwk] } }),
      () => oidc.PrivateKeyJwt({ key: signing.privateKey, kid: 'site' }),
    ],
    'private_key_jwt by jwks_uri on a listed private network': [
      () => ({ token_endpoint_auth_method: 'private_key_jwt', jwks_uri: keyUrl() }),
      () => oidc.PrivateKeyJwt({ key: signing.privateKey, kid: 'site' }),
    ],
    none: [() => ({ token_endpoint_auth_method: 'none' }), () => oidc.None()],
  };

  for (const [method, [registration, authentication]] of Object.entries(methods)) {
    it(`signs in, refreshes and revokes with ${method}`, async () => {
      const config = await discover(registration(), authentication);
      const tokens = await signIn(config);
      const claims = tokens.claims();
      expect(claims?.['sid']).to.be.a('string');
      const person = await oidc.fetchUserInfo(config, tokens.access_token, claims?.sub ?? '');
      expect(person['name_masked']).to.equal('张*例');

      const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '');
      expect(refreshed.refresh_token).not.to.equal(tokens.refresh_token);
      await oidc.tokenRevocation(config, refreshed.refresh_token ?? '');
      const error = await refusalOf(oidc.refreshTokenGrant(config, refreshed.refresh_token ?? ''));
      expect(error).to.equal('invalid_grant');
    });
  }

  it('pushes the request first', async () => {
    const config = await discover({}, (secret) => oidc.ClientSecretBasic(secret));
    const browser = personAt(server);
    await signIn(config, {}, browser);
    const { checks, parameters } = await parametersOf({});
    const page = await browser.open(await oidc.buildAuthorizationUrlWithPAR(config, parameters));
    const tokens = await oidc.authorizationCodeGrant(config, new URL(page.url), checks);
    expect(tokens.id_token).to.be.a('string');
  });

  it('gives claims by name without a page when a granted scope has them', async () => {
    const config = await discover({ scope: 'openid profile' }, (secret) =>
      oidc.ClientSecretBasic(secret),
    );
    const browser = personAt(server);
    await signIn(config, { scope: 'openid profile' }, browser);
    const claims = JSON.stringify({ userinfo: { name: { essential: true } } });
    const tokens = await signIn(config, { scope: 'openid', prompt: 'none', claims }, browser);
    const person = await oidc.fetchUserInfo(
      config,
      tokens.access_token,
      tokens.claims()?.sub ?? '',
    );
    expect(person['name']).to.equal('张示例');
    expect(person).not.to.have.property('birthdate');
  });

  for (const [algorithm, signedWith] of [
    ['ECDH-ES', 'ES256'],
    ['RSA-OAEP-256', 'RS256'],
  ] as const) {
    it(`gives userinfo signed with ${signedWith} and encrypted with ${algorithm}`, async () => {
      const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
      const jwk = { ...(await exportJWK(publicKey)), kid: 'enc', alg: algorithm, use: 'enc' };
      const config = await discover(
        {
          jwks: { keys: [jwk] },
          userinfo_signed_response_alg: signedWith,
          userinfo_encrypted_response_alg: algorithm,
        },
        (secret) => oidc.ClientSecretBasic(secret),
      );
      const key = { key: privateKey, kid: 'enc', alg: algorithm };
      oidc.enableDecryptingResponses(config, undefined, key);
      const tokens = await signIn(config);
      const sub = tokens.claims()?.sub ?? '';
      const person = await oidc.fetchUserInfo(config, tokens.access_token, sub);
      expect(person['name_masked']).to.equal('张*例');
    });
  }

  it('gives a machine a token for the API it may use, and no other', async () => {
    const machine = { grant_types: ['client_credentials'], redirect_uris: [] };
    const config = await discover({ ...machine, allowed_resources: [API] }, (secret) =>
      oidc.ClientSecretBasic(secret),
    );
    const token = await oidc.clientCredentialsGrant(config, { resource: API, scope: 'read' });
    expect(token.scope).to.equal('read');
    const other = oidc.clientCredentialsGrant(config, { resource: 'https://other.example/' });
    expect(await refusalOf(other)).to.equal('invalid_target');
  });
});

async function refusalOf(answer: Promise<unknown>): Promise<string> {
  try {
    await answer;
  } catch (error) {
    return (error as { error?: string }).error ?? String(error);
  }
  return 'accepted';
}
