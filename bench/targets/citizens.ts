/** The citizens of the benchmark: real accounts with bound documents; one hash serves all. */
import { PasswordHasher } from '#authenticators/password/hasher.ts';
import { createLogger } from '#config/logger.ts';
import { settingsSchema } from '#config/settings.ts';
import { loadKeyRing } from '#crypto/key-ring.ts';
import { parseAccountIdentifier } from '#lib/account-identifier.ts';
import { systemClock } from '#lib/clock.ts';
import { openDatabase } from '#store/database.ts';
import { createRecords, type Records } from '../../src/services.ts';
import { residentIdNumber } from '../../test/support/test-server.ts';
import { CITIZENS, PASSWORD, phoneOf } from './target.ts';

export async function addCitizens(databaseUrl: string, keysDirectory: string): Promise<void> {
  const settings = settingsSchema.parse({ databaseUrl, keysDirectory, logLevel: 'error' });
  const keys = loadKeyRing(keysDirectory, {});
  const engine = await openDatabase(settings);
  const db = engine.connect('application');
  const log = createLogger(settings);
  const records = createRecords({ settings, keys, db, clock: systemClock, log });
  const pepperKeys = keys.only('pepper');
  const hasher = new PasswordHasher({ settings: settings.password, pepperKeys, threads: 1 });
  const hash = await hasher.hash(PASSWORD);
  await hasher.close();
  const numbers = Array.from({ length: CITIZENS }, (_, number) => number);
  for (let first = 0; first < CITIZENS; first += 10) {
    await Promise.all(
      numbers.slice(first, first + 10).map((number) => addCitizen(records, number, hash)),
    );
  }
  await records.audit.close();
  await db.destroy();
  await engine.close();
}

async function addCitizen(
  { accounts, credentials, documents }: Records,
  number: number,
  hash: string,
): Promise<void> {
  const phone = parseAccountIdentifier(phoneOf(number), systemClock)?.value ?? '';
  const accountId = await accounts.create({
    ...{ phone, contactVerified: true, channel: 'web' },
    realName: { level: 4, method: 'bench' },
  });
  await credentials.replace(accountId, hash);
  await documents.addPrimary({
    ...{ accountId, type: 'resident_id', name: '张示例', number: residentIdNumber(number) },
    verified: { by: 'bench', how: 'bench' },
  });
}
