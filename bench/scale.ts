/**
 * What a look-up, a sign-in (without the hash) and a refresh cost on a database with many accounts:
 * CPU of this process and of its database connection, which other work on the machine hardly touches,
 * and the median time, which it does. The accounts are those of make-accounts.ts, imported before.
 *
 *   DATABASE_URL=… YRT_KEYS_DIRECTORY=… node bin/run.mjs bench/scale.ts ACCOUNTS [LIVE_SESSIONS]
 *
 * LIVE_SESSIONS rows of sessions, grants and refresh tokens are added first. Linux, PostgreSQL on
 * the same machine. docs/scaling.md has the results.
 */
import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { accepted, type Authenticator } from '#authenticators/authenticator.ts';
import { processEnvironment } from '#config/environment.ts';
import { loadSettings } from '#config/load-settings.ts';
import { createLogger } from '#config/logger.ts';
import { loadKeyRing } from '#crypto/key-ring.ts';
import { AddressLimits } from '#http/address-limits.ts';
import { parseAccountIdentifier } from '#lib/account-identifier.ts';
import { systemClock } from '#lib/clock.ts';
import { systemOrigin } from '#lib/request-origin.ts';
import { AttemptLedger } from '#sign-in/attempt-ledger.ts';
import { KnownDevices } from '#sign-in/known-devices.ts';
import { SignIn } from '#sign-in/sign-in.ts';
import { openDatabase } from '#store/database.ts';
import { createRecords } from '../src/services.ts';
import { cpuOfTree } from './machine/processes.ts';
import { syntheticNumber, syntheticPhone } from './synthetic-accounts.ts';

const OPERATIONS = 3000;
const WARM_UP = 500;

const [accountCount = 0, liveSessions = 0] = process.argv.slice(2).map(Number);
const settings = { ...loadSettings(processEnvironment), testRealm: 'bench' };
const engine = await openDatabase({ ...settings, database: { ...settings.database, poolSize: 1 } });
const db = engine.connect('application');
const keys = loadKeyRing(settings.keysDirectory);
const log = createLogger({ logLevel: 'silent' });
const records = createRecords({ settings, keys, db, clock: systemClock, log });
const aPerson = () => randomInt(accountCount);

/** Rows of the size of real ones, under random handles; payloads nobody opens. */
async function addLiveSessions(count: number): Promise<void> {
  const owner = engine.connect('owner');
  const rows = `generate_series(1, ${count}) AS n`;
  const fields = `account_id, payload_sealed, expires_at`;
  const live = `gen_random_uuid(), repeat('x', 700), now() + interval '12 hours'`;
  const hash = `sha256(gen_random_uuid()::text::bytea)`;
  await owner.raw(`INSERT INTO sessions (uid_hash, handle_hash, last_used_at, ${fields})
    SELECT ${hash}, ${hash}, now(), ${live} FROM ${rows}`);
  await owner.raw(`INSERT INTO grants (handle_hash, client_id, ${fields})
    SELECT ${hash}, 'site', ${live} FROM ${rows}`);
  await owner.raw(`INSERT INTO refresh_tokens (handle_hash, grant_hash, client_id, ${fields})
    SELECT ${hash}, ${hash}, 'site', ${live} FROM ${rows}`);
  await owner.raw('ANALYZE');
  await owner.destroy();
}

async function measure(name: string, operation: (n: number) => Promise<unknown>): Promise<void> {
  for (let n = 0; n < WARM_UP; n++) await operation(n);
  const { rows } = await db.raw<{ rows: { pid: number }[] }>('SELECT pg_backend_pid() AS pid');
  const backend = rows[0]?.pid ?? 0;
  const before = { own: process.cpuUsage(), database: cpuOfTree(backend) };
  const times: number[] = [];
  for (let n = 0; n < OPERATIONS; n++) {
    const start = performance.now();
    await operation(WARM_UP + n);
    times.push(performance.now() - start);
  }
  const own = process.cpuUsage(before.own);
  const ownMicroseconds = Math.round((own.user + own.system) / OPERATIONS);
  const database = cpuOfTree(backend) - before.database;
  const databaseMicroseconds = Math.round((database * 1000) / OPERATIONS);
  const median = times.toSorted((a, b) => a - b)[OPERATIONS / 2] ?? NaN;
  console.log(
    `| ${accountCount} | ${name} | ${ownMicroseconds} | ${databaseMicroseconds} | ${median.toFixed(2)} |`,
  );
}

const lookUp = async (typed: string) => {
  const identifier = parseAccountIdentifier(typed, systemClock);
  const found = identifier && (await records.accounts.findIdBy(identifier));
  if (found === undefined) throw new Error(`no account for ${typed}`);
};

function signInDesk() {
  const { accounts, audit, index } = records;
  const parts = { db, clock: systemClock, settings: settings.attempts };
  const signIn = new SignIn({
    ...{ accounts, audit, index, clock: systemClock },
    ledger: new AttemptLedger(parts),
    devices: new KnownDevices({ db, clock: systemClock, knownDeviceDays: 365 }),
    addresses: new AddressLimits({
      ...{ db, clock: systemClock, index, settings: settings.limits, lifted: true },
    }),
  });
  /** Everything of a password but the hash. */
  const password = {
    ...{ id: 'password', amr: ['pwd'], factor: 'knowledge' },
    verify: async ({ accountId = '' }: { accountId: string | undefined }) => {
      await records.credentials.find(accountId);
      return accepted(accountId);
    },
  } as unknown as Authenticator;
  return { signIn, password };
}

async function refresh(handle: string): Promise<string> {
  const found = await records.records.findWithGrant('RefreshToken', handle);
  const next = randomBytes(32).toString('base64url');
  const outcome = await records.records.rotate(handle, next, found?.payload ?? {}, 3600);
  if (outcome !== 'used') throw new Error(outcome);
  return next;
}

async function aRefreshToken(): Promise<string> {
  const [grantId, handle] = [randomUUID(), randomBytes(32).toString('base64url')];
  const common = { accountId: randomUUID(), clientId: 'site' };
  await records.records.put('Grant', grantId, { ...common, openid: { scope: 'openid' } }, 3600);
  const payload = { ...common, grantId, scope: 'openid offline_access', gty: 'authorization_code' };
  await records.records.put('RefreshToken', handle, payload, 3600);
  return handle;
}

if (liveSessions > 0) await addLiveSessions(liveSessions);
console.log(
  '| Accounts | Operation | Node µs | PostgreSQL µs | Median ms |\n|---|---|---|---|---|',
);
await measure('look-up by phone', () => lookUp(syntheticPhone(aPerson())));
await measure('look-up by ID number', () => lookUp(syntheticNumber(aPerson())));
await measure('look-up by user name', () => lookUp(`person-${aPerson()}`));
const { signIn, password } = signInDesk();
await measure('sign-in without the hash', (n) =>
  signIn.answer(password, {
    ...{ interactionId: 'bench', clientId: 'site', account: syntheticPhone(aPerson()) },
    ...{ answer: {}, browser: `browser-${n}`, origin: systemOrigin },
  }),
);
const tokens = await Promise.all(Array.from({ length: 100 }, aRefreshToken));
await measure('refresh', async (n) => {
  tokens[n % 100] = await refresh(tokens[n % 100] ?? '');
});
await records.audit.close();
await db.destroy();
await engine.close();
