/** What the benchmark loads: our server, or what it is measured against. */

/** The public host that every candidate answers to, behind a proxy that ends TLS. */
export const HOST = 'login.bench.example';
export const ISSUER = `https://${HOST}`;

export const CALLBACK = 'https://site.bench.example/callback';
/** Tokens for this API are opaque, so that it must introspect them. */
export const OPAQUE_API = 'https://opaque-api.bench.example';
export const JWT_API = 'https://jwt-api.bench.example';

export interface RegisteredClient {
  readonly client_id: string;
  readonly client_secret: string;
}

const common = { token_endpoint_auth_method: 'client_secret_basic' };

/** A site of the government, as it is registered with every candidate. */
export const SITE = {
  ...common,
  client_id: 'bench-site',
  client_secret: 'bench-only-secret-of-the-site',
  redirect_uris: [CALLBACK],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  scope: 'openid profile_basic offline_access',
  id_token_signed_response_alg: 'ES256',
};

/** A program that asks for tokens in its own name. */
export const MACHINE = {
  ...common,
  client_id: 'bench-machine',
  client_secret: 'bench-only-secret-of-the-machine',
  redirect_uris: [],
  grant_types: ['client_credentials'],
  response_types: [],
};

/** The API behind OPAQUE_API: looks into the tokens that it is given. */
export const API = {
  ...common,
  client_id: 'bench-api',
  client_secret: 'bench-only-secret-of-the-api',
  redirect_uris: [],
  grant_types: ['client_credentials'],
  response_types: [],
};

/** Every citizen of the benchmark has it; each account is its own. */
export const PASSWORD = 'Plum-Bridge-4711';
export const CITIZENS = 1000;

/** What citizen n types as account: a phone number that nobody has. */
export const phoneOf = (citizen: number) => `139${String(10_000_000 + (citizen % CITIZENS))}`;

export interface Target {
  readonly name: 'ours' | 'bare' | 'memory';
  /** Where it listens, e.g. `http://127.0.0.1:41000`. */
  readonly origin: string;
  /** CPU milliseconds so far, of the server and its stores together. */
  cpuMilliseconds(): number;
  stop(): Promise<void>;
}
