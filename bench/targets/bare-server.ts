/**
 * The yardstick as a process: oidc-provider with the features, keys and clients that our server has,
 * ES256, sign-in with one Argon2id hash, and nothing else: no audit, no limits, no form tokens, no
 * security headers. Arguments: port, and the URL of a Redis; without one the memory adapter.
 */
import { createServer } from 'node:http';
import { hash, verify } from '@node-rs/argon2';
import { Redis } from 'ioredis';
import { exportJWK, generateKeyPair } from 'jose';
import { Provider, type ClientMetadata, type Configuration } from 'oidc-provider';
import { PlainRedisAdapter } from './bare-redis-adapter.ts';
import { API, ISSUER, JWT_API, MACHINE, OPAQUE_API, PASSWORD, SITE } from './target.ts';

const ARGON2ID = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
const [port = '', redisUrl] = process.argv.slice(2);

async function configuration(): Promise<Configuration> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const redis = redisUrl === undefined ? undefined : new Redis(redisUrl);
  return {
    ...(redis && { adapter: (model: string) => new PlainRedisAdapter(redis, model) }),
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig', kid: 'es256' }] },
    clients: [SITE, MACHINE, API].map(registrationOf),
    scopes: ['openid', 'offline_access', 'profile_basic'],
    claims: { openid: ['sub'], profile_basic: ['user_type', 'name_masked', 'real_name_level'] },
    subjectTypes: ['pairwise'],
    pairwiseIdentifier: (_ctx, accountId, client) => `${client.clientId}.${accountId}`,
    acrValues: ['urn:yirentong:aal:1', 'urn:yirentong:aal:2', 'urn:yirentong:aal:3'],
    responseTypes: ['code'],
    features: features(),
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: () => true,
    loadExistingGrant,
    findAccount: (_ctx, accountId) => ({
      accountId,
      claims: () => ({
        ...{ sub: accountId, user_type: 'natural', name_masked: '张*' },
        real_name_level: 4,
      }),
    }),
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    cookies: { keys: ['bench-only-cookie-key'] },
    ttl: { ...TTL },
  };
}

/** oidc-provider's types want arrays that could be changed. */
const registrationOf = (client: typeof SITE | typeof MACHINE): ClientMetadata => ({
  ...client,
  redirect_uris: [...client.redirect_uris],
  response_types: client.response_types.length > 0 ? ['code'] : [],
  token_endpoint_auth_method: 'client_secret_basic',
  id_token_signed_response_alg: 'ES256',
});

const TTL = {
  ...{ AccessToken: 300, AuthorizationCode: 60, ClientCredentials: 300, Grant: 129_600 },
  ...{ IdToken: 300, Interaction: 600, RefreshToken: 86_400, Session: 1800 },
};

function features(): NonNullable<Configuration['features']> {
  return {
    devInteractions: { enabled: false },
    jwtUserinfo: { enabled: true },
    claimsParameter: { enabled: true },
    clientCredentials: { enabled: true },
    encryption: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    revocation: { enabled: true },
    backchannelLogout: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: (_ctx, _client, oneOf) => oneOf ?? [],
      useGrantedResource: () => true,
      getResourceServerInfo: (_ctx, identifier) => ({
        ...{ scope: 'read', audience: identifier, accessTokenTTL: 300 },
        accessTokenFormat: identifier === JWT_API ? 'jwt' : 'opaque',
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  };
}

/** Everything that a site of the government asks for is its own: no consent page. */
const loadExistingGrant: NonNullable<Configuration['loadExistingGrant']> = async (ctx) => {
  const { client, session, provider, account } = ctx.oidc;
  if (!client || !account) return undefined;
  const known = session?.grantIdFor(client.clientId);
  const existing = known === undefined ? undefined : await provider.Grant.find(known);
  if (existing) return existing;
  const grant = new provider.Grant({ clientId: client.clientId, accountId: account.accountId });
  grant.addOIDCScope(SITE.scope);
  grant.addResourceScope(OPAQUE_API, 'read');
  await grant.save();
  return grant;
};

const provider = new Provider(ISSUER, await configuration());
provider.proxy = true;
const storedHash = await hash(PASSWORD, ARGON2ID);

provider.use(async (ctx, next) => {
  const uid = /^\/interaction\/([\w-]+)/.exec(ctx.path)?.[1];
  if (uid === undefined) {
    await next();
    return;
  }
  await provider.interactionDetails(ctx.req, ctx.res);
  if (ctx.method === 'GET') {
    ctx.body =
      `<!doctype html><form method="post" action="/interaction/${uid}/password">` +
      '<input name="account"><input name="password" type="password"><button>登录</button></form>';
    return;
  }
  let text = '';
  for await (const chunk of ctx.req as AsyncIterable<Buffer>) text += chunk.toString();
  const form = new URLSearchParams(text);
  if (!(await verify(storedHash, form.get('password') ?? ''))) ctx.throw(422);
  const login = { accountId: form.get('account') ?? '', acr: 'urn:yirentong:aal:1', amr: ['pwd'] };
  await provider.interactionFinished(ctx.req, ctx.res, { login });
  ctx.respond = false;
});

const handle = provider.callback();
createServer({ keepAliveTimeout: 75_000 }, (request, response) => {
  void handle(request, response);
}).listen(Number(port), '127.0.0.1');
