/**
 * A Provider with nothing but the storage adapter under test: no sign-in pages (the interaction
 * answers itself), no consent, opaque tokens. And a browser that keeps cookies.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair } from 'jose';
import { Provider, type Adapter, type ClientMetadata } from 'oidc-provider';

export interface BareProvider {
  readonly provider: Provider;
  readonly issuer: string;
  /** Who signs in at the next interaction; an account UUID. */
  accountId: string;
  close(): Promise<void>;
}

export const REDIRECT_URI = 'https://site.example/callback';
export const CLIENT_SECRET = 'synthetic-secret-of-every-test-client';

/** Clients `site-a`, `site-b`, … : any name that begins so. */
export const findClient = (clientId: string): Promise<ClientMetadata | undefined> =>
  Promise.resolve(
    clientId.startsWith('site-')
      ? {
          client_id: clientId,
          client_secret: CLIENT_SECRET,
          redirect_uris: [REDIRECT_URI],
          grant_types: ['authorization_code', 'refresh_token'],
          id_token_signed_response_alg: 'ES256' as const,
          token_endpoint_auth_method: 'client_secret_post' as const,
        }
      : undefined,
  );

export async function startBareProvider(
  adapter: (model: string) => Adapter,
  accountId: string,
): Promise<BareProvider> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = await createProvider(issuer, adapter);
  const bare = { provider, issuer, accountId, close: () => closeServer(server) };
  const handle = provider.callback();
  server.on('request', (req, res) => {
    if (req.url?.startsWith('/interaction/')) {
      const login = { accountId: bare.accountId };
      provider.interactionFinished(req, res, { login }).catch((error: unknown) => {
        res.statusCode = 500;
        res.end(String(error));
      });
    } else void handle(req, res);
  });
  return bare;
}

async function createProvider(issuer: string, adapter: (model: string) => Adapter) {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  return new Provider(issuer, {
    adapter,
    cookies: { keys: ['synthetic-cookie-key'] },
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig' }] },
    enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: {
        logoutSource: (ctx, form) => {
          ctx.body = form;
        },
      },
    },
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
    interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
    issueRefreshToken: () => true,
    pkce: { required: () => false },
    rotateRefreshToken: true,
    ttl: {
      ...{ AccessToken: 300, AuthorizationCode: 60, IdToken: 300, Interaction: 600 },
      ...{ Grant: 3600, RefreshToken: 3600, Session: 1800 },
    },
    async loadExistingGrant(ctx) {
      const { session, client, provider } = ctx.oidc;
      if (!session?.accountId || !client) throw new Error('no session');
      const known = session.grantIdFor(client.clientId);
      const found = known === undefined ? undefined : await provider.Grant.find(known);
      if (found) return found;
      const { clientId } = client;
      const grant = new provider.Grant({ clientId, accountId: session.accountId });
      grant.addOIDCScope('openid');
      await grant.save();
      return grant;
    },
  });
}

const closeServer = (server: Server) =>
  new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });

export function authorizationPath(clientId: string, more: Record<string, string> = {}): string {
  const query = new URLSearchParams({
    ...{ client_id: clientId, redirect_uri: REDIRECT_URI, response_type: 'code' },
    ...{ scope: 'openid', ...more },
  });
  return `/auth?${query.toString()}`;
}

/** A browser of one person at one provider. */
export class Browser {
  readonly #issuer: string;
  readonly cookies = new Map<string, string>();

  constructor(issuer: string) {
    this.#issuer = issuer;
  }

  async request(path: string, init: RequestInit = {}): Promise<Response> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(new URL(path, this.#issuer), {
      ...init,
      redirect: 'manual',
      headers: { accept: 'text/html', cookie },
    });
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      const name = pair.slice(0, pair.indexOf('='));
      if (line.includes('expires=Thu, 01 Jan 1970')) this.cookies.delete(name);
      else this.cookies.set(name, pair.slice(name.length + 1));
    }
    return response;
  }

  /** Follows redirects inside the provider; gives the answer to the site, or the last page. */
  async authorize(clientId: string, more: Record<string, string> = {}): Promise<URLSearchParams> {
    let response = await this.request(authorizationPath(clientId, more));
    for (let hops = 0; hops < 5; hops += 1) {
      const location = response.headers.get('location');
      if (location === null) break;
      if (location.startsWith(REDIRECT_URI)) return new URL(location).searchParams;
      response = await this.request(location);
    }
    return new URLSearchParams({ status: String(response.status) });
  }

  /** `answer` is what the person chose: `{ logout: 'yes' }` everywhere, `{}` at the site alone. */
  async signOut(
    query: Record<string, string> = {},
    answer: Record<string, string> = { logout: 'yes' },
  ): Promise<void> {
    const page = await this.request(`/session/end?${new URLSearchParams(query).toString()}`);
    const xsrf = /name="xsrf" value="([0-9a-f]+)"/.exec(await page.text())?.[1] ?? '';
    const body = new URLSearchParams({ xsrf, ...answer });
    const done = await this.request('/session/end/confirm', { method: 'POST', body });
    if (done.status !== 303) throw new Error(`signing out was answered with ${done.status}`);
  }
}

/** Pushes an authorization request (RFC 9126); gives its `request_uri`. */
export async function pushRequest({ issuer }: BareProvider, clientId: string): Promise<string> {
  const response = await fetch(new URL('/request', issuer), {
    method: 'POST',
    body: new URLSearchParams({
      ...{ client_id: clientId, client_secret: CLIENT_SECRET, redirect_uri: REDIRECT_URI },
      ...{ response_type: 'code', scope: 'openid' },
    }),
  });
  return ((await response.json()) as { request_uri: string }).request_uri;
}

export interface TokenAnswer {
  readonly status: number;
  readonly access_token?: string;
  readonly refresh_token?: string;
  readonly error?: string;
}

/** POST /token as `clientId`. */
export async function requestTokens(
  { issuer }: BareProvider,
  clientId: string,
  parameters: Record<string, string>,
): Promise<TokenAnswer> {
  const response = await fetch(new URL('/token', issuer), {
    method: 'POST',
    body: new URLSearchParams({
      ...{ client_id: clientId, client_secret: CLIENT_SECRET, redirect_uri: REDIRECT_URI },
      ...parameters,
    }),
  });
  return { status: response.status, ...((await response.json()) as object) };
}

/** Status of the userinfo endpoint with a token: 200 as long as the token lives. */
export async function userinfoStatus({ issuer }: BareProvider, token: string): Promise<number> {
  const headers = { authorization: `Bearer ${token}` };
  return (await fetch(new URL('/me', issuer), { headers })).status;
}
