/** Registered sites in the form that oidc-provider reads, the built-in one among them. */
import type { ClientMetadata } from 'oidc-provider';
import { ACCOUNT_CENTRE_ID, accountCentreClient } from '#clients/account-centre.ts';
import type { Clients, PublishedClient } from '#clients/clients.ts';

/**
 * The library wants a sector URI for sites on several hosts; our sector is the department
 * (pairwise.ts), so one fixed name that is never fetched stands for it.
 */
const SECTOR_URI = 'https://sector.invalid/departments.json';

export function createClientDirectory(clients: Clients, issuer: string) {
  const accountCentre = toProviderMetadata({
    metadata: accountCentreClient(issuer),
    secretHash: undefined,
    version: 1,
  });
  return async (clientId: string): Promise<ClientMetadata | undefined> => {
    if (clientId === ACCOUNT_CENTRE_ID) return accountCentre;
    const found = await clients.findPublished(clientId);
    return found && toProviderMetadata(found);
  };
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
