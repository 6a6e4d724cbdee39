/**
 * The part of oidc-provider's configuration that decides which registrations are valid: used by the
 * running provider, and by the check before a registration is stored.
 */
import type { JWK } from 'jose';
import { errors, Provider, type Configuration } from 'oidc-provider';
import { ClientMetadataInvalid, extraMetadataNames, SCOPES } from '#clients/client-metadata.ts';
import type { PublishedClient } from '#clients/clients.ts';
import type { Settings } from '#config/settings.ts';
import { SIGNING_ALGORITHMS } from '#crypto/signing-keys.ts';
import { createEgress, EgressRefused, type Egress } from '#http/egress.ts';
import { CLAIMS_BY_SCOPE } from './claims.ts';
import { toProviderMetadata } from './client-directory.ts';
import { createFeatures } from './features.ts';
import { NoSigningKeys } from './provider-holder.ts';
import type { ProviderPages } from './pages.ts';

const ALGORITHMS = [...SIGNING_ALGORITHMS];
const ENCRYPTION_ALGORITHMS = ['ECDH-ES', 'RSA-OAEP', 'RSA-OAEP-256'] as const;

export function metadataRules(settings: Settings, pages: ProviderPages): Configuration {
  return {
    features: createFeatures(settings, pages),
    scopes: [...SCOPES],
    claims: mutable(CLAIMS_BY_SCOPE),
    responseTypes: ['code'],
    subjectTypes: ['pairwise'],
    // The sector is the department (pairwise.ts); clients are registered by us, not by strangers.
    sectorIdentifierUriValidate: () => false,
    clientDefaults: { grant_types: ['authorization_code'], response_types: ['code'] },
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
    extraClientMetadata: { properties: [...extraMetadataNames, 'start_uri'] },
    enabledJWA: {
      idTokenSigningAlgValues: ALGORITHMS,
      userinfoSigningAlgValues: ALGORITHMS,
      clientAuthSigningAlgValues: ALGORITHMS,
      // To the client's own key: a secret that is kept as a hash cannot encrypt anything.
      idTokenEncryptionAlgValues: [...ENCRYPTION_ALGORITHMS],
      userinfoEncryptionAlgValues: [...ENCRYPTION_ALGORITHMS],
    },
  };
}

/** oidc-provider's types want arrays that could be changed. */
const mutable = (claims: Readonly<Record<string, readonly string[]>>) =>
  Object.fromEntries(Object.entries(claims).map(([scope, names]) => [scope, [...names]]));

/** URLs of a registration that this server will fetch or post to (ABUSE-CASES C-07). */
const FETCHED_URLS = ['jwks_uri', 'backchannel_logout_uri'] as const;
const NO_PAGES: ProviderPages = {
  signOut: () => undefined,
  signedOut: () => undefined,
  error: () => undefined,
};

/** A provider that only judges registrations keeps nothing. */
class NoStore {
  find = () => Promise.resolve(undefined);
  findByUid = this.find;
  findByUserCode = this.find;
  upsert = this.find;
  consume = this.find;
  destroy = this.find;
  revokeByGrantId = this.find;
}

/**
 * The check that `Clients.register` runs: the library's own rules, and our egress's.
 *
 * @param jwks - the published signing keys: a registration may name their algorithms
 * @throws NoSigningKeys before the first `keys rotate`
 * @returns a function that throws ClientMetadataInvalid
 */
export function createRegistrationCheck(
  settings: Settings,
  jwks: readonly JWK[],
): (client: PublishedClient) => void {
  if (jwks.length === 0) throw new NoSigningKeys();
  const provider = new Provider(settings.issuer, {
    ...metadataRules(settings, NO_PAGES),
    jwks: { keys: [...jwks] },
    adapter: NoStore,
  });
  const { Client } = provider as unknown as { Client: new (metadata: object) => object };
  const egress = createEgress(settings.egress);
  return (client) => {
    const problems = FETCHED_URLS.flatMap((name) => {
      const url = client.metadata[name];
      return typeof url === 'string' ? urlProblem(egress, name, url) : [];
    });
    if (problems.length > 0) throw new ClientMetadataInvalid(problems);
    try {
      new Client(toProviderMetadata(client));
    } catch (error) {
      if (!(error instanceof errors.InvalidClientMetadata)) throw error;
      throw new ClientMetadataInvalid([error.error_description ?? error.message]);
    }
  };
}

function urlProblem(egress: Egress, name: string, url: string): string[] {
  try {
    egress.assertAllowedUrl(url);
    return [];
  } catch (error) {
    if (!(error instanceof EgressRefused)) throw error;
    const setting = 'YRT_EGRESS_ALLOWED_PRIVATE_CIDRS';
    return [`${name}: may not be reached from here (${error.reason}); see ${setting}`];
  }
}
