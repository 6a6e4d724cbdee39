/**
 * Before a process serves: settings, keys and tables that fit. In development what is missing is
 * made; in production nothing is, and everything that is wrong is told at once.
 */
import { existsSync } from 'node:fs';
import type { Logger } from 'pino';
import { processEnvironment } from '#config/environment.ts';
import { productionProblems, StartRefused, wantsDemo } from '#config/production.ts';
import type { Settings } from '#config/settings.ts';
import {
  createMissingKeyFiles,
  keyOverrides,
  KeyFilesUnusable,
  loadKeyRing,
  type KeyRing,
} from '#crypto/key-ring.ts';
import { systemClock } from '#lib/clock.ts';
import { openDatabase, type DatabaseEngine } from '#store/database.ts';
import { migrate, pendingMigrations } from '#store/migrate.ts';
import { readDemo } from './demo/demo-file.ts';
import { seedDemo } from './demo/seed.ts';
import { createRecords, type Foundations } from './services.ts';

export interface Prepared {
  readonly foundations: Foundations;
  readonly engine: DatabaseEngine;
}

/** @throws StartRefused with everything that is unsafe or missing, and what openDatabase throws */
export async function prepare(settings: Settings, log: Logger): Promise<Prepared> {
  const keys = prepareKeys(settings);
  const engine = await openDatabase(settings);
  const db = await prepareDatabase(settings, engine, log);
  const foundations: Foundations = { settings, keys, db, clock: systemClock, log };
  const records = createRecords(foundations);
  if (settings.environment !== 'production') await createFirstSigningKeys(records.signingKeys);
  if (wantsDemo(settings)) await seedDemo(foundations, records, readDemo());
  await records.audit.close();
  return { foundations, engine };
}

/** @throws StartRefused with everything that is unsafe or missing */
function prepareKeys(settings: Settings): KeyRing {
  const problems = productionProblems(settings);
  const overrides = keyOverrides(processEnvironment);
  const isNew = !existsSync(settings.keysDirectory);
  if (settings.environment !== 'production') {
    const created = createMissingKeyFiles(settings.keysDirectory);
    if (created.length > 0 && isNew) console.log(`Development keys: ${settings.keysDirectory}/`);
  }
  try {
    const keys = loadKeyRing(settings.keysDirectory, overrides);
    if (problems.length === 0) return keys;
  } catch (error) {
    if (!(error instanceof KeyFilesUnusable)) throw error;
    problems.push(...error.problems);
  }
  throw new StartRefused(problems);
}

/** In development the tables are brought up to date; in production somebody does that on purpose. */
async function prepareDatabase(settings: Settings, engine: DatabaseEngine, log: Logger) {
  const owner = engine.connect('owner');
  try {
    if (settings.environment === 'production') {
      const pending = await pendingMigrations(owner);
      if (pending.length > 0) {
        const missing = `${pending.length} migrations are missing, from ${pending[0] ?? ''} on`;
        throw new StartRefused([`tables: ${missing}; run \`npm run cli -- migrate\``]);
      }
    } else {
      const applied = await migrate(owner);
      if (applied.length > 0) log.info({ applied }, 'migrated');
    }
  } finally {
    await owner.destroy();
  }
  return engine.connect('application');
}

async function createFirstSigningKeys(keys: ReturnType<typeof createRecords>['signingKeys']) {
  if ((await keys.published()).length > 0) return;
  await keys.rotate({ publishAheadSeconds: 0, keepSeconds: 0 });
}
