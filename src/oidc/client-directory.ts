/** Registered sites in the form that oidc-provider reads, the built-in one among them. */
import type { ClientMetadata } from 'oidc-provider';
import { ACCOUNT_CENTRE_ID, accountCentreClient } from '#clients/account-centre.ts';
import type { Clients, PublishedClient } from '#clients/clients.ts';
import type { ChangeFeed } from '#store/change-feed.ts';
import { VersionedCache, type Versioned } from '#store/versioned-cache.ts';

/**
 * The library wants a sector URI for sites on several hosts; our sector is the department
 * (pairwise.ts), so one fixed name that is never fetched stands for it.
 */
const SECTOR_URI = 'https://sector.invalid/departments.json';

const MAX_CACHED = 20_000;

/** Live registrations by client_id, with a version that grows with every change. */
export type ClientDirectory = (clientId: string) => Promise<Versioned<ClientMetadata>>;

export function createClientDirectory(
  { clients, feed }: { clients: Clients; feed: Pick<ChangeFeed, 'isTrusted'> },
  issuer: string,
): ClientDirectory {
  const accountCentre = {
    value: toProviderMetadata({
      metadata: accountCentreClient(issuer),
      secretHash: undefined,
      version: 1,
    }),
    version: 1,
  };
  const cache = new VersionedCache<ClientMetadata>({
    ...{ feed, kind: 'client', maxEntries: MAX_CACHED },
    load: async (clientId) => {
      const { value, version } = await clients.findPublished(clientId);
      return { value: value && toProviderMetadata(value), version };
    },
  });
  return async (clientId) =>
    clientId === ACCOUNT_CENTRE_ID ? accountCentre : await cache.find(clientId);
}

/** The hash stands in the secret's place; the patched comparison knows it (provider.ts). */
export const toProviderMetadata = ({ metadata, secretHash }: PublishedClient): ClientMetadata => ({
  ...metadata,
  ...startOf(metadata),
  subject_type: 'pairwise',
  sector_identifier_uri: SECTOR_URI,
  backchannel_logout_session_required: true,
  ...(secretHash !== undefined && { client_secret: secretHash }),
});

/** The library takes only https for this field; a site in development has none. */
function startOf({ initiate_login_uri: uri }: PublishedClient['metadata']) {
  const isHttps = typeof uri === 'string' && uri.startsWith('https:');
  return { start_uri: uri, initiate_login_uri: isHttps ? uri : undefined };
}
