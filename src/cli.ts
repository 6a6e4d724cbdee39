/** `npm run cli -- <command>`: what an operator does beside the running server. */
import { parseArgs } from 'node:util';
import { processEnvironment } from '#config/environment.ts';
import { loadSettings } from '#config/load-settings.ts';
import { createLogger } from '#config/logger.ts';
import { withDemoNetwork } from '#config/production.ts';
import { createMissingKeyFiles, keyOverrides, keyPurposes, loadKeyRing } from '#crypto/key-ring.ts';
import { systemClock } from '#lib/clock.ts';
import { DataDirectoryInUse } from '#store/data-lock.ts';
import { openDatabase } from '#store/database.ts';
import { COMMANDS, migrateTables, runCommand } from '#commands/commands.ts';
import { askRunningServer } from '#commands/control-socket.ts';
import { createProgressDisplay } from '#commands/progress-display.ts';

const { print, showProgress } = createProgressDisplay(process.stdout);

async function main(): Promise<number> {
  const args = process.argv.slice(2);
  if (args.length === 0 || args.includes('--help')) return help();
  const settings = withDemoNetwork(loadSettings(processEnvironment));
  if (args.join(' ') === 'keys init') return initKeys(settings.keysDirectory);

  if (settings.environment === 'production' && settings.databaseUrl === undefined) {
    throw new Error('DATABASE_URL: missing; in production there is no embedded database.');
  }

  let engine;
  try {
    engine = await openDatabase(settings);
  } catch (error) {
    if (!(error instanceof DataDirectoryInUse)) throw error;
    const exitCode = await askRunningServer(settings.dataDirectory, args, { print, showProgress });
    if (exitCode === undefined) throw error;
    return exitCode;
  }
  try {
    if (args[0] === 'migrate') return await migrateTables(engine, print);
    const keys = loadKeyRing(settings.keysDirectory, keyOverrides(processEnvironment));
    const log = createLogger({ logLevel: 'error' });
    const db = engine.connect('application');
    try {
      const foundations = { settings, keys, db, clock: systemClock, log };
      return await runCommand(args, { ...foundations, engine, showProgress }, print);
    } finally {
      await db.destroy();
    }
  } finally {
    await engine.close();
  }
}

function help(): number {
  const own = [
    ['keys init', `create the missing key files (${keyPurposes.join(', ')})`],
    ['migrate', 'bring the tables up to date, as their owner'],
  ] as const;
  const rows = [...own, ...Object.values(COMMANDS).map((c) => [c.usage, c.summary] as const)];
  print('Usage: npm run cli -- <command>\n');
  for (const [usage, summary] of rows) print(`  ${usage.padEnd(32)} ${summary}`);
  return 0;
}

function initKeys(directory: string): number {
  const created = createMissingKeyFiles(directory);
  if (created.length === 0) print('All key files are there; nothing was changed.');
  for (const path of created) print(`created ${path}`);
  if (created.length > 0) print('Back these files up: without them sealed data cannot be read.');
  return 0;
}

try {
  // parseArgs is strict about what it does not know; positionals and --now are all there is.
  parseArgs({
    allowPositionals: true,
    options: { now: { type: 'boolean' }, help: { type: 'boolean' } },
  });
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
