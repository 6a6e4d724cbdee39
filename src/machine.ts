/** All cores of a machine: the supervisor with what exists once beside its workers. */
import { createLogger } from '#config/logger.ts';
import { StartRefused } from '#config/production.ts';
import { stopMilliseconds, workersOf, type Settings } from '#config/settings.ts';
import { startProbes } from '#http/probes.ts';
import { startDemo } from './demo/first-run.ts';
import { onceAsked } from './once-asked.ts';
import { Supervisor } from './supervisor/supervisor.ts';

/** Beyond the times a worker is given: writing the audit, closing connections. */
const KILL_MARGIN_MILLISECONDS = 15_000;

/**
 * @throws StartRefused on the embedded database
 * @throws WorkerDidNotStart when the first worker does not come up
 */
export async function runMachine(settings: Settings): Promise<void> {
  if (settings.databaseUrl === undefined) {
    throw new StartRefused([
      'YRT_WORKERS (--workers): the embedded database belongs to one process; ' +
        'set DATABASE_URL to a PostgreSQL server, or start without workers',
    ]);
  }
  const startedAt = performance.now();
  const log = createLogger(settings);
  const { waitMilliseconds, drainMilliseconds } = stopMilliseconds(settings);
  const supervisor = new Supervisor({
    workers: workersOf(settings),
    killAfterMilliseconds: waitMilliseconds + drainMilliseconds + KILL_MARGIN_MILLISECONDS,
    log,
  });
  const probes = await startProbes(settings.probes, {
    verdict: () => supervisor.verdict,
    metrics: () => supervisor.metrics(),
  });
  await supervisor.start();
  const demo = await startDemo(settings);
  onceAsked(['SIGINT', 'SIGTERM'], async () => {
    demo?.stop();
    await supervisor.stop();
    await probes.close();
    log.info('stopped');
  });
  process.on('SIGHUP', () => void supervisor.restartAll());
  const milliseconds = Math.round(performance.now() - startedAt);
  log.info({ milliseconds, pid: process.pid }, 'ready');
}
