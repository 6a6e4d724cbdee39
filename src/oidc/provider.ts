/**
 * The protocol: oidc-provider with our policies, stores and pages. services.ts makes one provider at
 * start and a new one whenever the signing keys change; all state is in the stores, so both answer
 * for the same tokens.
 */
import type { JWK } from 'jose';
import { Provider, type AdapterFactory, type Client, type Configuration } from 'oidc-provider';
import type { Consents } from '#accounts/consents.ts';
import { extraMetadataNames, SCOPES } from '#clients/client-metadata.ts';
import type { ClientSecrets } from '#clients/client-secrets.ts';
import type { Settings } from '#config/settings.ts';
import type { PurposeKeys } from '#crypto/key-ring.ts';
import { SIGNING_ALGORITHMS } from '#crypto/signing-keys.ts';
import type { Egress } from '#http/egress.ts';
import { COOKIE_NAMES, useHostCookies, type CookieSigner } from '#http/host-cookies.ts';
import { useIssuerOrigin } from '#http/host-pin.ts';
import type { Clock } from '#lib/clock.ts';
import { ACR_VALUES, type Level } from '#sign-in/levels.ts';
import { CLAIMS_BY_SCOPE, createFindAccount, type ClaimsParts } from './claims.ts';
import { createFeatures } from './features.ts';
import { createLoadExistingGrant } from './grants.ts';
import { createInteractionPolicy } from './interaction-policy.ts';
import { lifetimesOf } from './lifetimes.ts';
import type { ProviderPages } from './pages.ts';
import { pairwiseSubject } from './pairwise.ts';

export interface ProviderParts extends ClaimsParts {
  readonly settings: Settings;
  readonly adapter: AdapterFactory;
  readonly cookies: CookieSigner;
  readonly consents: Consents;
  readonly clientSecrets: ClientSecrets;
  readonly pairwiseKeys: PurposeKeys;
  readonly egress: Egress;
  readonly pages: ProviderPages;
  /** The highest level that the registered authenticators can prove. */
  readonly attainable: Level;
  readonly clock: Clock;
}

/** @param jwks - private signing keys; those that sign now come first */
export function createProvider(parts: ProviderParts, jwks: readonly JWK[]): Provider {
  const { settings } = parts;
  const provider = new Provider(settings.issuer, configurationOf(parts, jwks));
  useHostCookies(provider, parts.cookies);
  useIssuerOrigin(provider, settings.issuer);
  patch(provider, parts);
  return provider;
}

function configurationOf(parts: ProviderParts, jwks: readonly JWK[]): Configuration {
  const { settings } = parts;
  const algorithms = [...SIGNING_ALGORITHMS];
  return {
    adapter: parts.adapter,
    jwks: { keys: [...jwks] },
    findAccount: createFindAccount(parts),
    loadExistingGrant: createLoadExistingGrant(parts.consents),
    features: createFeatures(settings, parts.pages),
    renderError: parts.pages.error,
    acrValues: [...ACR_VALUES],
    scopes: [...SCOPES],
    claims: mutable(CLAIMS_BY_SCOPE),
    conformIdTokenClaims: true,
    responseTypes: ['code'],
    subjectTypes: ['pairwise'],
    pairwiseIdentifier: (_ctx, accountId, client) =>
      pairwiseSubject(parts.pairwiseKeys, accountId, client),
    // The sector is the department (pairwise.ts); clients are registered by us, not by strangers.
    sectorIdentifierUriValidate: () => false,
    clientDefaults: { grant_types: ['authorization_code'], response_types: ['code'] },
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
    extraClientMetadata: { properties: [...extraMetadataNames] },
    clientBasedCORS: (_ctx, origin, client) => allowedOrigins(client).includes(origin),
    enabledJWA: {
      idTokenSigningAlgValues: algorithms,
      userinfoSigningAlgValues: algorithms,
      introspectionSigningAlgValues: algorithms,
      clientAuthSigningAlgValues: algorithms,
    },
    pkce: { required: (_ctx, client) => isPkceRequired(client) },
    issueRefreshToken: (_ctx, client, source) =>
      client.grantTypeAllowed('refresh_token') && source.scopes.has('offline_access'),
    rotateRefreshToken: (ctx) => ctx.oidc.entities.RefreshToken?.isSenderConstrained() !== true,
    interactions: {
      policy: createInteractionPolicy(parts.attainable),
      url: (_ctx, interaction) => `/interaction/${interaction.uid}`,
    },
    cookies: {
      keys: parts.cookies as unknown as string[],
      names: COOKIE_NAMES,
      long: { signed: true, httpOnly: true, sameSite: 'lax', secure: true },
      short: { signed: true, httpOnly: true, sameSite: 'lax', secure: true },
    },
    routes: { end_session: '/session/end' },
    ttl: lifetimesOf(settings, parts.clock),
    clockTolerance: 15,
    fetch: (url, options) => parts.egress.fetch(url, options),
  };
}

/** oidc-provider's types want arrays that could be changed. */
const mutable = (claims: Readonly<Record<string, readonly string[]>>) =>
  Object.fromEntries(Object.entries(claims).map(([scope, names]) => [scope, [...names]]));

const allowedOrigins = (client: Client): readonly unknown[] =>
  Array.isArray(client['allowed_origins']) ? client['allowed_origins'] : [];

const isPkceRequired = (client: Client) =>
  client.clientAuthMethod === 'none' || client['require_pkce'] !== false;

/** The places where the library is changed; PROVIDER-NOTES §6.3. A missing one stops the start. */
function patch(provider: Provider, { clientSecrets, settings }: ProviderParts): void {
  const client = provider.Client.prototype as unknown as Record<string, unknown>;
  const context = (provider as unknown as { OIDCContext: { prototype: Record<string, unknown> } })
    .OIDCContext.prototype;
  for (const name of ['compareClientSecret', 'includeSid', 'backchannelLogout']) {
    assertPatchable(client, name);
  }
  assertPatchable(context, 'clientJwtAuthExpectedAudience');

  client['compareClientSecret'] = function compare(this: Client, given: string): boolean {
    return clientSecrets.matches(this.clientSecret ?? '', given);
  };
  // Every site may ask which session a token belongs to, and is told when that one ends.
  client['includeSid'] = () => true;
  // An assertion made for another endpoint or server must not work here (DESIGN §9.1).
  context['clientJwtAuthExpectedAudience'] = () => new Set([settings.issuer]);
}

function assertPatchable(target: Record<string, unknown>, name: string): void {
  if (typeof target[name] !== 'function') {
    throw new Error(`oidc-provider has no ${name}; this version was not checked with our patches`);
  }
}
