/** Who gets refresh tokens. */
import type { Client } from 'oidc-provider';

/**
 * Refresh tokens are the client's policy, not the request's: the library drops `offline_access`
 * where the site did not also ask for a consent page, which a government site never shows.
 */
export const mayRefresh = (client: Client): boolean =>
  client.grantTypeAllowed('refresh_token') &&
  (client.scope ?? '').split(' ').includes('offline_access');
