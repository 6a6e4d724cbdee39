/**
 * The protocol: oidc-provider with our policies, stores and pages. services.ts makes one provider at
 * start and a new one whenever the signing keys change; all state is in the stores, so both answer
 * for the same tokens.
 */
import type { JWK } from 'jose';
import {
  errors,
  Provider,
  type AdapterFactory,
  type Client,
  type Configuration,
} from 'oidc-provider';
import type { Consents } from '#accounts/consents.ts';
import type { Settings } from '#config/settings.ts';
import type { PurposeKeys } from '#crypto/key-ring.ts';
import type { Egress } from '#http/egress.ts';
import { COOKIE_NAMES, useHostCookies, type CookieSigner } from '#http/host-cookies.ts';
import { useIssuerOrigin } from '#http/host-pin.ts';
import { LOCALES } from '#i18n/translate.ts';
import type { Clock } from '#lib/clock.ts';
import { ACR_VALUES, type Level } from '#sign-in/levels.ts';
import { createFindAccount, type ClaimsParts } from './claims.ts';
import { createLoadExistingGrant } from './grants.ts';
import { createInteractionPolicy } from './interaction-policy.ts';
import { lifetimesOf } from './lifetimes.ts';
import { metadataRules } from './metadata-rules.ts';
import type { ProviderPages } from './pages.ts';
import { pairwiseSubject } from './pairwise.ts';
import { listen, type ListenerParts } from './events.ts';
import { patchProvider, type PatchParts } from './patches.ts';
import { mayRefresh } from './refresh-policy.ts';
import { SigningKey } from './signing-key.ts';

export interface ProviderParts extends ClaimsParts, PatchParts, ListenerParts {
  readonly settings: Settings;
  readonly adapter: AdapterFactory;
  readonly cookies: CookieSigner;
  readonly consents: Consents;
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
  patchProvider(provider, parts);
  listen(provider, parts);
  return provider;
}

function configurationOf(parts: ProviderParts, jwks: readonly JWK[]): Configuration {
  const { settings } = parts;
  return {
    adapter: parts.adapter,
    jwks: { keys: jwks.map((jwk) => new SigningKey(jwk)) },
    findAccount: createFindAccount(parts),
    loadExistingGrant: createLoadExistingGrant(parts.consents),
    ...metadataRules(settings, parts.pages),
    renderError: parts.pages.error,
    acrValues: [...ACR_VALUES],
    conformIdTokenClaims: true,
    assertJwtClientAuthClaimsAndHeader: ({ oidc }, { aud }) => assertOnlyAudience(aud, oidc.issuer),
    pairwiseIdentifier: (_ctx, accountId, client) =>
      pairwiseSubject(parts.pairwiseKeys, accountId, client),
    clientBasedCORS: (_ctx, origin, client) => allowedOrigins(client).includes(origin),
    pkce: { required: (_ctx, client) => isPkceRequired(client) },
    issueRefreshToken: (_ctx, client) => mayRefresh(client),
    // Ending a session revokes its grants, which is the switch: no token needs to ask for the session.
    expiresWithSession: () => false,
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
    discovery: { ui_locales_supported: [...LOCALES] },
    ttl: lifetimesOf(settings, parts.clock),
    clockTolerance: 15,
    fetch: (url, options) => parts.egress.fetch(url, options),
  };
}

/**
 * An assertion made for another server, or for several, could be replayed there or here. The library
 * also takes endpoints, and is content when we are one of many (rfc7523bis: the issuer alone).
 */
function assertOnlyAudience(audience: unknown, issuer: string): void {
  const [only, ...others] = [audience].flat();
  if (only === issuer && others.length === 0) return;
  throw new errors.InvalidClientAuth('audience (aud) must be the issuer alone');
}

const allowedOrigins = (client: Client): readonly unknown[] =>
  Array.isArray(client['allowed_origins']) ? client['allowed_origins'] : [];

const isPkceRequired = (client: Client) =>
  client.clientAuthMethod === 'none' || client['require_pkce'] !== false;
