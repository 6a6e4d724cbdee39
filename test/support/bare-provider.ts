/** The library alone, with two sites and nobody's own pages, for tests of one patch at a time. */
import { createHash, randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair } from 'jose';
import Provider, {
  type Adapter,
  type AdapterPayload,
  type ClientMetadata,
  type Configuration,
} from 'oidc-provider';

/** The pairwise `sub` of these tests. */
export const pairwiseSub = (accountId: string, clientId: string) =>
  createHash('sha256').update(`${clientId} ${accountId}`).digest('hex');

export async function signingKeys() {
  const jwk = async (alg: string) => ({
    ...(await exportJWK((await generateKeyPair(alg, { extractable: true })).privateKey)),
    kid: randomUUID(),
    alg,
    use: 'sig',
  });
  return { keys: [await jwk('RS256'), await jwk('ES256')] } as NonNullable<Configuration['jwks']>;
}

/** Takes every cookie for signed: these tests bring their own sessions. */
const openKeygrip = { sign: () => 'unsigned', verify: () => true, index: () => 0 };

/** @param issuer - an origin; tests that start no server may name any */
export function bareProvider(
  issuer: string,
  clients: readonly ClientMetadata[],
  jwks: NonNullable<Configuration['jwks']>,
): Provider {
  return new Provider(issuer, {
    clients: [...clients],
    jwks,
    cookies: { keys: openKeygrip },
    subjectTypes: ['pairwise'],
    pairwiseIdentifier: (_ctx, accountId, client) => pairwiseSub(accountId, client.clientId),
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256'] },
    findAccount: (_ctx, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
    adapter: rememberingAdapter(),
    ttl: { Session: 600 },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        logoutSource: (ctx, form) => {
          ctx.body = form;
        },
      },
    },
  });
}

/** Records of one provider, in memory, without expiry. */
function rememberingAdapter(): (model: string) => Adapter {
  const records = new Map<string, AdapterPayload>();
  const nothing = () => Promise.resolve(undefined);
  return (model) => ({
    upsert: (id, payload) => Promise.resolve(void records.set(`${model} ${id}`, payload)),
    find: (id) => Promise.resolve(records.get(`${model} ${id}`)),
    destroy: (id) => Promise.resolve(void records.delete(`${model} ${id}`)),
    findByUid: nothing,
    findByUserCode: nothing,
    consume: nothing,
    revokeByGrantId: nothing,
  });
}

export interface ListeningProvider {
  readonly provider: Provider;
  readonly issuer: string;
  /** Cookies of a browser that is signed in at these sites: client_id → sid. */
  signIn(accountId: string, sids: Readonly<Record<string, string>>): Promise<string>;
  /** Opens the sign-out page; returns how to confirm it, as often as one likes. */
  openSignOutForm(cookies: string): Promise<() => Promise<Response>>;
  /** Signs out everywhere, as the library's page does; returns the confirmation's answer. */
  signOut(cookies: string): Promise<Response>;
  close(): Promise<void>;
}

export async function listeningProvider(
  clients: readonly ClientMetadata[],
): Promise<ListeningProvider> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = bareProvider(issuer, clients, await signingKeys());
  const handle = provider.callback();
  server.on('request', (request, response) => void handle(request, response));
  return {
    provider,
    issuer,
    signIn: (accountId, sids) => signIn(provider, accountId, sids),
    openSignOutForm: (cookies) => openSignOutForm(issuer, cookies),
    signOut: async (cookies) => (await openSignOutForm(issuer, cookies))(),
    close: () => closeServer(server),
  };
}

async function signIn(
  provider: Provider,
  accountId: string,
  sids: Readonly<Record<string, string>>,
) {
  const session = new provider.Session();
  session.loginAccount({ accountId });
  for (const [clientId, sid] of Object.entries(sids)) {
    session.ensureClientContainer(clientId);
    session.sidFor(clientId, sid);
  }
  const handle = await session.save(600);
  const name = provider.cookieName('session');
  const value = `${name}=${handle}`;
  return `${value}; ${name}.sig=${openKeygrip.sign()}`;
}

async function openSignOutForm(issuer: string, cookie: string): Promise<() => Promise<Response>> {
  const page = await fetch(`${issuer}/session/end`, { headers: { cookie } });
  const xsrf = /name="xsrf" value="([^"]+)"/.exec(await page.text())?.[1] ?? '';
  return () =>
    fetch(`${issuer}/session/end/confirm`, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie },
      body: new URLSearchParams({ xsrf, logout: 'yes' }),
    });
}

async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
