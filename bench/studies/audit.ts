/** Durable rows of the audit log per second, from one process with many recorders. */
import { createLogger } from '#config/logger.ts';
import { settingsSchema } from '#config/settings.ts';
import { createEphemeralKeyRing } from '#crypto/key-ring.ts';
import { systemClock } from '#lib/clock.ts';
import { systemOrigin } from '#lib/request-origin.ts';
import { openDatabase } from '#store/database.ts';
import { migrate } from '#store/migrate.ts';
import { createRecords, type Records } from '../../src/services.ts';
import { startPostgres } from '../machine/private-postgres.ts';
import type { BenchOptions } from '../options.ts';
import { table } from '../report.ts';

const RECORDERS = [1, 64, 500];

export async function audit({ seconds }: BenchOptions): Promise<void> {
  const postgres = await startPostgres();
  const settings = settingsSchema.parse({ databaseUrl: postgres.url, logLevel: 'error' });
  const engine = await openDatabase(settings);
  const owner = engine.connect('owner');
  await migrate(owner);
  await owner.destroy();
  const db = engine.connect('application');
  const foundations = { settings, db, clock: systemClock, log: createLogger(settings) };
  const records = createRecords({ ...foundations, keys: createEphemeralKeyRing() });
  const lines = [];
  for (const recorders of RECORDERS) {
    lines.push([recorders, Math.round(await ratePerSecond(records, recorders, seconds))]);
  }
  console.log(table([['recorders at once', 'durable rows per s'], ...lines]));
  await records.audit.close();
  await db.destroy();
  await engine.close();
  await postgres.stop();
}

async function ratePerSecond({ audit: log }: Records, recorders: number, seconds: number) {
  const details = { accountId: 'bench', sessionUid: 'bench', clientId: 'bench' };
  const until = performance.now() + seconds * 1000;
  let rows = 0;
  await Promise.all(
    Array.from({ length: recorders }, async () => {
      while (performance.now() < until) {
        await log.record('session_created', details, systemOrigin);
        rows += 1;
      }
    }),
  );
  return rows / seconds;
}
