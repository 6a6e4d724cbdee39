/** What main.ts runs once the runtime is known to fit: prepare, serve, print the card, stop cleanly. */
import { existsSync } from 'node:fs';
import type { Logger } from 'pino';
import { processEnvironment } from '#config/environment.ts';
import { loadSettings, SettingsInvalid } from '#config/load-settings.ts';
import { createLogger } from '#config/logger.ts';
import { productionProblems, wantsDemo, withDemoNetwork } from '#config/production.ts';
import type { Settings } from '#config/settings.ts';
import {
  createMissingKeyFiles,
  keyOverrides,
  KeyFilesUnusable,
  loadKeyRing,
  type KeyRing,
} from '#crypto/key-ring.ts';
import { SealBroken } from '#crypto/sealing.ts';
import { startProbes, type Probes } from '#http/probes.ts';
import { systemClock } from '#lib/clock.ts';
import { NoSigningKeys } from '#oidc/provider-holder.ts';
import { DataDirectoryInUse } from '#store/data-lock.ts';
import { openDatabase, type DatabaseEngine } from '#store/database.ts';
import { migrate, pendingMigrations } from '#store/migrate.ts';
import { startControlSocket } from './control-socket.ts';
import { DEMO_OPERATOR, printCard, startDemoSites } from './demo/first-run.ts';
import { readDemo } from './demo/demo-file.ts';
import { seedDemo } from './demo/seed.ts';
import { startServer, type RunningServer } from './server.ts';
import { createRecords, type Foundations } from './services.ts';

/** Refused on purpose; the message says all there is to say, so no stack is printed. */
class StartRefused extends Error {
  constructor(problems: readonly string[]) {
    super(`The server does not start:\n${problems.map((line) => `  - ${line}`).join('\n')}`);
    this.name = 'StartRefused';
  }
}

const EXPECTED = [StartRefused, SettingsInvalid, DataDirectoryInUse, NoSigningKeys, SealBroken];
/** Not reachable, or not letting us in (SQLSTATE 28: authorization, 3D: no such database). */
const DATABASE_UNUSABLE = /^(?:ECONNREFUSED|ECONNRESET|ENOTFOUND|ETIMEDOUT|28...|3D...)$/;

export async function run(): Promise<void> {
  try {
    await start();
  } catch (error) {
    console.error(explain(error));
    // Listeners and timers that started before the failure would keep the process alive.
    process.exit(1);
  }
}

/** A sentence for what an operator can mend, the stack for what only we can. */
function explain(error: unknown): unknown {
  if (EXPECTED.some((kind) => error instanceof kind)) return (error as Error).message;
  const { code = '', port, syscall, message } = error as NodeJS.ErrnoException & { port?: number };
  if (syscall === 'listen' && (code === 'EADDRINUSE' || code === 'EACCES')) {
    const why = code === 'EADDRINUSE' ? 'is in use' : 'may not be opened by this user';
    return (
      `Port ${port ?? '?'} ${why}. Stop what uses it, or choose other ports with ` +
      'YRT_LISTEN_PORT (and ISSUER) and YRT_PROBES_PORT.'
    );
  }
  return DATABASE_UNUSABLE.test(code) ? `The database cannot be used: ${message || code}` : error;
}

async function start(): Promise<void> {
  const startedAt = performance.now();
  const settings = withDemo(loadSettings(processEnvironment));
  const keys = prepareKeys(settings);
  const log = createLogger(settings);
  const engine = await openDatabase(settings);
  const db = await prepareDatabase(settings, engine, log);
  const foundations: Foundations = { settings, keys, db, clock: systemClock, log };
  const records = createRecords(foundations);
  if (settings.environment !== 'production') await createFirstSigningKeys(records.signingKeys);
  if (wantsDemo(settings)) await seedDemo(foundations, records, readDemo());
  await records.audit.close();

  const server = await startServer(foundations);
  const probes = await startProbes(settings.probes, db);
  const control =
    engine.kind === 'embedded'
      ? await startControlSocket(settings.dataDirectory, { ...foundations, engine })
      : undefined;
  const sites = wantsDemo(settings) ? startDemoSites(settings) : undefined;
  if (wantsDemo(settings)) printCard(settings, readDemo());
  log.info({ milliseconds: Math.round(performance.now() - startedAt) }, 'ready');
  onceAsked(async () => {
    sites?.stop();
    control?.close();
    await stopInOrder(server, probes, log);
    await db.destroy();
    await engine.close();
  });
}

/** A demonstration has somebody who runs the service, and its sites on this machine. */
function withDemo(settings: Settings): Settings {
  if (!wantsDemo(settings)) return settings;
  const operator = settings.operator.name === '' ? DEMO_OPERATOR : settings.operator;
  return { ...withDemoNetwork(settings), operator };
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

async function stopInOrder(server: RunningServer, probes: Probes, log: Logger): Promise<void> {
  probes.becomeUnready();
  await server.stop();
  await probes.close();
  log.info('stopped');
}

/** Ctrl-C or a supervisor's SIGTERM; a second one does not interrupt the first. */
function onceAsked(stop: () => Promise<void>): void {
  let asked = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (asked) return;
      asked = true;
      stop().then(
        () => process.exit(0),
        (error: unknown) => {
          console.error(error);
          process.exit(1);
        },
      );
    });
  }
}
