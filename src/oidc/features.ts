/**
 * Which features of oidc-provider are on, and by what policy (DESIGN §7). No implicit, no hybrid, no
 * dynamic registration, no development pages.
 */
import {
  errors,
  type AccessToken,
  type Client,
  type ClientCredentials,
  type Configuration,
  type RefreshToken,
  type ResourceServer,
} from 'oidc-provider';
import type { Settings } from '#config/settings.ts';
import type { ProviderPages } from './pages.ts';

type Token = AccessToken | ClientCredentials | RefreshToken;

export function createFeatures(
  settings: Settings,
  pages: ProviderPages,
): NonNullable<Configuration['features']> {
  return {
    devInteractions: { enabled: false },
    // Our own keys sign on node:crypto (signing-key.ts).
    externalSigningSupport: { enabled: true, ack: 'experimental-01' },
    jwtUserinfo: { enabled: true },
    claimsParameter: { enabled: true },
    clientCredentials: { enabled: true },
    encryption: { enabled: true },
    pushedAuthorizationRequests: { enabled: true },
    introspection: { enabled: true, allowedPolicy: mayIntrospect },
    revocation: { enabled: true, allowedPolicy: mayRevoke },
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: pages.signOut,
      postLogoutSuccessSource: pages.signedOut,
    },
    resourceIndicators: {
      enabled: true,
      defaultResource: (_ctx, _client, oneOf) => oneOf ?? [],
      useGrantedResource: () => true,
      getResourceServerInfo: (_ctx, identifier, client) =>
        resourceServer(settings, identifier, client),
    },
  };
}

/** A token may be looked into by the client it was issued to and by the API it is meant for. */
function mayIntrospect(_ctx: unknown, client: Client, token: Token): boolean {
  if (token.clientId === client.clientId) return true;
  const served = client['resource_identifiers'];
  const audiences = [(token as { aud?: string | string[] }).aud ?? []].flat();
  return Array.isArray(served) && audiences.some((audience) => served.includes(audience));
}

/** Only the client that a token was issued to may revoke it; to others it does not exist. */
function mayRevoke(_ctx: unknown, client: Client, token: Token): boolean {
  return token.clientId === client.clientId;
}

/** @throws InvalidTarget (RFC 8707 §2) for an unknown API or one this client may not use */
function resourceServer(settings: Settings, identifier: string, client: Client): ResourceServer {
  const found = settings.resourceServers.find((server) => server.identifier === identifier);
  const allowed = client['allowed_resources'];
  if (!found || !Array.isArray(allowed) || !allowed.includes(identifier)) {
    throw new errors.InvalidTarget('this client may not ask for tokens for that resource');
  }
  return {
    scope: found.scopes.join(' '),
    audience: found.identifier,
    accessTokenTTL: settings.lifetimes.accessTokenSeconds,
    accessTokenFormat: found.accessTokenFormat,
    jwt: { sign: { alg: 'ES256' } },
  };
}
