/**
 * The 个人中心 as a site of its own: a person who opens it without a session is signed in like at any
 * other site, by the same pages. It receives nothing; it reads the session's own pages.
 */
import type { ClientMetadata } from './client-metadata.ts';

export const ACCOUNT_CENTRE_ID = 'yirentong-account';
export const ACCOUNT_CENTRE_CALLBACK = '/account/signed-in';

export const accountCentreClient = (issuer: string): ClientMetadata => ({
  client_id: ACCOUNT_CENTRE_ID,
  client_name: '个人中心',
  'client_name#en': 'My account',
  client_uri: `${issuer}/account`,
  initiate_login_uri: `${issuer}/account`,
  redirect_uris: [`${issuer}${ACCOUNT_CENTRE_CALLBACK}`],
  token_endpoint_auth_method: 'none',
  scope: 'openid',
  department: 'yirentong',
  require_pkce: true,
});
