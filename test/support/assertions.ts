/** A site that signs client assertions (RFC 7523) instead of having a secret. */
import { randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose';
import { aSite, type Site, type TestServer } from './test-server.ts';

export interface SigningSite {
  readonly site: Site;
  /** @param claims - override the usual ones; `undefined` leaves one out */
  assertion(claims?: Readonly<Record<string, unknown>>): Promise<string>;
  /** The fields that stand in for a secret. */
  fields(assertion: string): Record<string, string>;
  readonly privateKey: CryptoKey;
}

export const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

export async function aSigningSite(
  server: TestServer,
  metadata: Readonly<Record<string, unknown>> = {},
): Promise<SigningSite> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), alg: 'ES256', use: 'sig', kid: 'site' };
  const site = await aSite(server, {
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES256',
    jwks: { keys: [jwk] },
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    ...metadata,
  });
  return {
    site,
    privateKey,
    assertion: (claims = {}) => {
      const now = Math.floor(Date.now() / 1000);
      const usual = { iss: site.clientId, sub: site.clientId, aud: server.issuer, iat: now };
      const payload = { ...usual, exp: now + 60, jti: randomUUID(), ...claims };
      return new SignJWT(JSON.parse(JSON.stringify(payload)) as Record<string, unknown>)
        .setProtectedHeader({ alg: 'ES256', kid: 'site' })
        .sign(privateKey);
    },
    fields: (assertion) => ({
      client_id: site.clientId,
      client_assertion_type: JWT_BEARER,
      client_assertion: assertion,
    }),
  };
}
