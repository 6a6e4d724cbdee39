/** A bare oidc-provider with its development pages, for tests of relying sites only. */
import type { RequestListener } from 'node:http';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose';
import { Provider, type ClientMetadata } from 'oidc-provider';
import { createEgress } from '#http/egress.ts';
import type { CookieBrowser, Page } from './cookie-browser.ts';
import type { LocalServers } from './local-server.ts';

const KEY_ID = 'stand-in';

export interface StandInProvider {
  issuer: string;
  /** While set, every connection is cut. */
  isDown: boolean;
  /** A token signed with the provider's own key. */
  sign(payload: Record<string, unknown>, header?: { typ?: string }): Promise<string>;
}

/** @param clients - registration metadata; what only our own server knows is left out */
export async function startStandInProvider(
  servers: LocalServers,
  clients: readonly Record<string, unknown>[],
): Promise<StandInProvider> {
  const keys = await generateKeyPair('ES256', { extractable: true });
  const jwk = { ...(await exportJWK(keys.privateKey)), kid: KEY_ID, alg: 'ES256', use: 'sig' };
  const handlers: RequestListener[] = [];
  const port = await servers.start((request, response) => handlers[0]?.(request, response));
  const issuer = `http://127.0.0.1:${port}`;
  const provider = createProvider(issuer, clients.map(knownMetadata), jwk);
  const handle = provider.callback();
  const standIn: StandInProvider = {
    issuer,
    isDown: false,
    sign: (payload, header) => sign(keys.privateKey, payload, header),
  };
  handlers.push((request, response) => {
    if (standIn.isDown) request.socket.destroy();
    else void handle(request, response);
  });
  return standIn;
}

function createProvider(issuer: string, clients: ClientMetadata[], jwk: object): Provider {
  const egress = createEgress({
    allowedPrivateCidrs: ['127.0.0.0/8', '::1/128'],
    timeoutMilliseconds: 2000,
    maxResponseBytes: 65536,
  });
  return new Provider(issuer, {
    clients,
    jwks: { keys: [jwk] },
    cookies: { keys: ['stand-in'] },
    fetch: egress.fetch,
    scopes: ['openid', 'offline_access', 'profile_basic', 'profile', 'phone'],
    claims: {
      openid: ['sub', 'acr', 'auth_time'],
      profile_basic: ['name_masked', 'real_name_level'],
      profile: ['name'],
      phone: ['phone_number'],
    },
    acrValues: ['urn:yirentong:aal:1'],
    features: { backchannelLogout: { enabled: true } },
    issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
    findAccount: (_, accountId) => ({
      accountId,
      claims: () => ({ sub: accountId, name_masked: '张*<i>', name: '张示例', real_name_level: 4 }),
    }),
  });
}

function knownMetadata(registration: Record<string, unknown>): ClientMetadata {
  const own = ['department', 'department_name', 'government', 'purpose', 'legal_ground'];
  // oidc-provider takes it with https only, even of a site on localhost.
  own.push('initiate_login_uri');
  const entries = Object.entries(registration).filter(([name]) => !own.includes(name));
  return Object.fromEntries(entries) as unknown as ClientMetadata;
}

function sign(key: CryptoKey, payload: Record<string, unknown>, header: { typ?: string } = {}) {
  return new SignJWT(payload)
    .setProtectedHeader({ alg: 'ES256', kid: KEY_ID, ...header })
    .sign(key);
}

/** Fills in the development login and consent pages until the browser is back at the site. */
export async function passDevelopmentPages(browser: CookieBrowser, page: Page): Promise<Page> {
  let current = page;
  while (current.url.includes('/interaction/')) {
    const fields = { login: 'zhang', password: 'any' };
    const isLogin = current.text.includes('name="login"');
    current = await browser.press(current, 'name="prompt"', isLogin ? fields : {});
  }
  return current;
}
