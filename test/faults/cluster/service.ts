/**
 * What an operator does before the first start (roles, keys, tables, signing keys, sites), with the
 * operator's own commands, and synthetic citizens.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadSettings } from '#config/load-settings.ts';
import { createLogger } from '#config/logger.ts';
import { createMissingKeyFiles, loadKeyRing, type KeyRing } from '#crypto/key-ring.ts';
import { PasswordHasher } from '#authenticators/password/hasher.ts';
import { systemClock } from '#lib/clock.ts';
import { openDatabase } from '#store/database.ts';
import { migrate } from '#store/migrate.ts';
import { runCommand } from '#commands/commands.ts';
import { createRecords, type Foundations } from '../../../src/services.ts';
import type { Site } from '../../support/test-server.ts';
import type { PostgresqlPair } from './postgresql.ts';

export const DATABASE = 'yirentong';
export const SERVER_ROLE = 'yirentong_server';
const OWNER_ROLE = 'yirentong_owner';
/** As in docs/operating.md, §2.1. */
const ROLES = [
  'CREATE ROLE yirentong_app NOLOGIN',
  `CREATE ROLE ${OWNER_ROLE} LOGIN`,
  `CREATE ROLE ${SERVER_ROLE} LOGIN IN ROLE yirentong_app`,
  `CREATE DATABASE ${DATABASE} OWNER ${OWNER_ROLE}`,
];

/** Who signs in; the password is everybody's. */
export interface FaultCitizen {
  readonly accountId: string;
  readonly phone: string;
  readonly password: string;
}

/** A site of the load. `trial` is the one whose codes and tokens are used twice on purpose. */
export type SiteName = 'portal' | 'fund' | 'trial' | 'machine';

export interface Service {
  readonly keys: KeyRing;
  readonly sites: Readonly<Record<SiteName, Site>>;
  /** Adds so many citizens, each with an account of their own that nobody else uses. */
  addCitizens(count: number): Promise<FaultCitizen[]>;
}

export async function prepareService(
  env: Readonly<Record<string, string>>,
  postgresql: PostgresqlPair,
  logoutUri: string,
): Promise<Service> {
  const settings = loadSettings(env);
  for (const statement of ROLES) await postgresql.sql(statement);
  createMissingKeyFiles(settings.keysDirectory);
  const keys = loadKeyRing(settings.keysDirectory);
  const urlOf = (role: string) => `postgres://${role}@127.0.0.1:${postgresql.port}/${DATABASE}`;
  const engine = await openDatabase({
    ...settings,
    databaseUrl: urlOf(SERVER_ROLE),
    migrationDatabaseUrl: urlOf(OWNER_ROLE),
  });
  const owner = engine.connect('owner');
  await migrate(owner).finally(() => owner.destroy());
  const db = engine.connect('application');
  const log = createLogger({ logLevel: 'error' }, process.stderr);
  const foundations: Foundations = { settings, keys, db, clock: systemClock, log };
  const operate = async (...args: readonly string[]) => {
    const exitCode = await runCommand(args, { ...foundations, engine }, () => undefined);
    if (exitCode !== 0) throw new Error(`${args.join(' ')} ended with ${exitCode}`);
  };
  await operate('keys', 'rotate');
  const { sites, registrations } = describeSites(logoutUri);
  const file = join(settings.keysDirectory, '..', 'sites.json');
  writeFileSync(file, JSON.stringify(registrations));
  await operate('client', 'register', file);
  await db.destroy();
  return {
    keys,
    sites,
    addCitizens: (count) => addCitizens(foundations, urlOf(SERVER_ROLE), count),
  };
}

function describeSites(logoutUri: string) {
  const signIn = {
    grant_types: ['authorization_code', 'refresh_token'],
    scope: 'openid profile_basic offline_access',
    id_token_signed_response_alg: 'ES256',
  };
  const hearsOfSignOuts = {
    backchannel_logout_uri: logoutUri,
    backchannel_logout_session_required: true,
  };
  const metadata: Readonly<Record<SiteName, object>> = {
    portal: { ...signIn, ...hearsOfSignOuts, government: true },
    fund: { ...signIn, ...hearsOfSignOuts },
    trial: { ...signIn, government: true },
    machine: { grant_types: ['client_credentials'], redirect_uris: [] },
  };
  const secret = 'a-secret-of-the-fault-trials';
  const sites = Object.fromEntries(
    Object.keys(metadata).map((clientId) => {
      const redirectUri = `https://${clientId}.example/callback`;
      return [clientId, { clientId, secret, redirectUri }];
    }),
  ) as Record<SiteName, Site>;
  const registrations = Object.entries(metadata).map(([clientId, more]) => ({
    client_id: clientId,
    client_secret: secret,
    client_name: `故障演练 ${clientId}`,
    redirect_uris: [`https://${clientId}.example/callback`],
    post_logout_redirect_uris: [`https://${clientId}.example/bye`],
    department: `department-of-${clientId}`,
    ...more,
  }));
  return { sites, registrations };
}

const PASSWORD = 'Plum-Bridge-2026';
let citizens = 0;

async function addCitizens(
  foundations: Foundations,
  databaseUrl: string,
  count: number,
): Promise<FaultCitizen[]> {
  const engine = await openDatabase({ ...foundations.settings, databaseUrl });
  const db = engine.connect('application');
  const { accounts, credentials, audit } = createRecords({ ...foundations, db });
  const hasher = new PasswordHasher({
    settings: foundations.settings.password,
    pepperKeys: foundations.keys.only('pepper'),
    threads: 1,
  });
  // One hash for all of them: who they are does not matter, and a hash is dear.
  const hash = await hasher.hash(PASSWORD);
  await hasher.close();
  const added = await Promise.all(
    Array.from({ length: count }, async () => {
      citizens += 1;
      const number = String(citizens).padStart(8, '0');
      const phone = `139${number}`;
      const accountId = await accounts.create({
        ...{ username: `citizen${number}`, phone: `+86${phone}`, email: `c${number}@example.com` },
        ...{ contactVerified: true, channel: 'web', realName: { level: 1 } },
      });
      await credentials.replace(accountId, hash);
      return { accountId, phone, password: PASSWORD };
    }),
  );
  await audit.close();
  await db.destroy();
  await engine.close();
  return added;
}
