/**
 * The whole server on a test database, as main.ts runs it but without the demonstration: for tests
 * at the level of HTTP. `aCitizen` and `aSite` add who and what a test speaks of.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type AddressInfo } from 'node:net';
import { PasswordHasher } from '#authenticators/password/hasher.ts';
import { settingsSchema, type Settings } from '#config/settings.ts';
import { createLogger } from '#config/logger.ts';
import { createEphemeralKeyRing, type KeyRing } from '#crypto/key-ring.ts';
import { parseAccountIdentifier } from '#lib/account-identifier.ts';
import { systemClock, type Clock } from '#lib/clock.ts';
import { createRegistrationCheck } from '#oidc/metadata-rules.ts';
import type { RealNameLevel } from '#accounts/accounts.ts';
import { startServer, type RunningServer } from '../../src/server.ts';
import type { Foundations } from '../../src/services.ts';
import type { TestDatabase } from './databases.ts';

export interface TestServer {
  readonly issuer: string;
  readonly running: RunningServer;
  readonly foundations: Foundations;
  /** Everything that was logged, one JSON line each. */
  readonly logLines: string[];
  stop(): Promise<void>;
}

export interface TestServerOptions {
  /** Merged over the defaults for tests, group by group. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly keys?: KeyRing;
  readonly clock?: Clock;
  /** Default true: only the tests about limits per address want them. */
  readonly testRealm?: boolean;
}

/** Cheap hashes: what is tested here is not Argon2. */
const PASSWORD = { memoryKibibytes: 64, passes: 1 };

export async function startTestServer(
  database: TestDatabase,
  options: TestServerOptions = {},
): Promise<TestServer> {
  const port = await freePort();
  const issuer = `http://localhost:${port}`;
  const settings: Settings = settingsSchema.parse({
    environment: 'test',
    issuer,
    testRealm: options.testRealm === false ? '' : 'test',
    logLevel: 'debug',
    ...redisSettings(database),
    ...options.settings,
    listen: { port },
    password: { ...PASSWORD, ...(options.settings?.['password'] as object | undefined) },
  });
  const logLines: string[] = [];
  const log = createLogger(settings, { write: (line: string) => void logLines.push(line) });
  const keys = options.keys ?? createEphemeralKeyRing();
  const clock = options.clock ?? systemClock;
  const foundations = { settings, keys, db: database.db, clock, log };
  await ensureSigningKeys(foundations);
  const running = await startServer(foundations);
  return { issuer, running, foundations, logLines, stop: () => running.stop() };
}

/**
 * With TEST_REDIS_URL every test server uses that Redis; its keys begin with the database's name, so
 * that tests do not meet there and nobody has to empty it.
 */
function redisSettings({ url }: TestDatabase) {
  const redisUrl = process.env['TEST_REDIS_URL'];
  if (redisUrl === undefined) return {};
  const name = url === undefined ? `embedded-${randomUUID()}` : new URL(url).pathname.slice(1);
  return { redisUrl, redisKeyPrefix: `${name}:` };
}

async function ensureSigningKeys(foundations: Foundations): Promise<void> {
  const { createRecords } = await import('../../src/services.ts');
  const { signingKeys, audit } = createRecords(foundations);
  const published = await signingKeys.published();
  if (published.length === 0) await signingKeys.rotate({ publishAheadSeconds: 0, keepSeconds: 60 });
  await audit.close();
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export interface Citizen {
  readonly accountId: string;
  readonly name: string;
  readonly phone: string;
  readonly username: string;
  readonly password: string;
  readonly idNumber: string | undefined;
}

let citizenCount = 0;

/** Adds a synthetic citizen with a password; level 4 with a bound number unless told otherwise. */
export async function aCitizen(
  { running, foundations }: TestServer,
  wishes: Partial<Omit<Citizen, 'accountId'>> & { level?: RealNameLevel } = {},
): Promise<Citizen> {
  citizenCount += 1;
  const number = String(citizenCount).padStart(4, '0');
  const level = wishes.level ?? 4;
  const citizen = {
    name: wishes.name ?? '测试公民',
    phone: wishes.phone ?? `1390000${number}`,
    username: wishes.username ?? `citizen${number}`,
    password: wishes.password ?? `Plum-Bridge-${number}`,
    idNumber: wishes.idNumber ?? (level >= 3 ? residentIdNumber(citizenCount) : undefined),
  };
  const { accounts, credentials, documents } = running.services.records;
  const phone = parseAccountIdentifier(citizen.phone, foundations.clock)?.value ?? '';
  const accountId = await accounts.create({
    ...{ username: citizen.username, phone, email: `${citizen.username}@example.com` },
    ...{ phoneVerified: true, emailVerified: true, channel: 'web' },
    realName: { level, ...(level >= 3 && { method: 'test' }) },
  });
  const hasher = new PasswordHasher({
    settings: foundations.settings.password,
    pepperKeys: foundations.keys.only('pepper'),
    threads: 1,
  });
  await credentials.replace(accountId, await hasher.hash(citizen.password));
  await hasher.close();
  if (citizen.idNumber !== undefined) {
    await documents.addPrimary({
      ...{ accountId, type: 'resident_id', number: citizen.idNumber, name: citizen.name },
      ...(level >= 3 && { verified: { by: 'test', how: 'test' } }),
    });
  }
  return { accountId, ...citizen };
}

/** A valid 18-character number of a person born on 1990-03-07; synthetic (GB 11643). */
export function residentIdNumber(sequence: number): string {
  const base = `11010119900307${String(sequence % 1000).padStart(3, '0')}`;
  const weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
  const sum = weights.reduce((total, weight, index) => total + weight * Number(base[index]), 0);
  return base + ('10X98765432'[sum % 11] ?? '');
}

export interface Site {
  readonly clientId: string;
  readonly secret: string;
  readonly redirectUri: string;
}

let siteCount = 0;

/** Registers a site the way `client register` does; a government portal unless told otherwise. */
export async function aSite(
  { running, foundations }: TestServer,
  metadata: Readonly<Record<string, unknown>> = {},
): Promise<Site> {
  siteCount += 1;
  const clientId =
    typeof metadata['client_id'] === 'string' ? metadata['client_id'] : `site-${siteCount}`;
  const redirectUri = `https://${clientId}.example/callback`;
  const { clients, signingKeys } = running.services.records;
  const check = createRegistrationCheck(foundations.settings, await signingKeys.published());
  const registration = {
    client_id: clientId,
    client_name: `测试网站${siteCount}`,
    redirect_uris: [redirectUri],
    post_logout_redirect_uris: [`https://${clientId}.example/bye`],
    department: `department-of-${clientId}`,
    government: true,
    scope: 'openid profile_basic offline_access',
    grant_types: ['authorization_code', 'refresh_token'],
    id_token_signed_response_alg: 'ES256',
    ...metadata,
  };
  const { newSecret = '' } = await clients.register(registration, check);
  const secret =
    typeof metadata['client_secret'] === 'string' ? metadata['client_secret'] : newSecret;
  const [uri] = registration.redirect_uris;
  return { clientId, secret, redirectUri: uri ?? redirectUri };
}
