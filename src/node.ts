/**
 * One process that serves: alone on its machine, with probes, demo sites and commands beside it, or
 * as a worker of a supervisor, which has those.
 */
import { workersOf, type Settings } from '#config/settings.ts';
import { createLogger } from '#config/logger.ts';
import { startProbes } from '#http/probes.ts';
import { startControlSocket } from '#commands/control-socket.ts';
import { startDemo } from './demo/first-run.ts';
import { onceAsked } from './once-asked.ts';
import { prepare, type Prepared } from './prepare.ts';
import { startServer, type RunningServer } from './server.ts';
import { WorkerLink } from './supervisor/worker-link.ts';

/** Serves until it is asked to stop; see once-asked.ts. */
export async function runAlone(settings: Settings): Promise<void> {
  const startedAt = performance.now();
  const log = createLogger(settings);
  const prepared = await prepare(settings, log);
  const server = await startServer(prepared.foundations);
  const probes = await startProbes(settings.probes, {
    verdict: () => server.readiness.verdict,
    metrics: () => server.metrics.registry.metrics(),
  });
  const { engine, foundations } = prepared;
  const control =
    engine.kind === 'embedded'
      ? await startControlSocket(settings.dataDirectory, { ...foundations, engine })
      : undefined;
  const demo = await startDemo(settings);
  log.info({ milliseconds: Math.round(performance.now() - startedAt) }, 'ready');
  onceAsked(['SIGINT', 'SIGTERM', 'SIGHUP'], async () => {
    demo?.stop();
    control?.close();
    await server.stop();
    await probes.close();
    log.info('stopped');
    await close(prepared);
  });
}

/** The same without what the supervisor has. */
export async function runAsWorker(settings: Settings): Promise<void> {
  const log = createLogger(settings);
  const link = new WorkerLink(workersOf(settings));
  const { password } = settings;
  // The machine's queue in front of the hashing threads, not one for each worker.
  const queueLength = Math.ceil(password.queueLength / workersOf(settings));
  const prepared = await prepare({ ...settings, password: { ...password, queueLength } }, log);
  const server = await startServer({ ...prepared.foundations, hashPermits: link.hashPermits });
  const { readiness, metrics } = server;
  readiness.onChange((verdict) => link.report(verdict));
  const stop = onceAsked(['SIGINT', 'SIGTERM'], () => leave(server, prepared, link));
  link.onStop(stop);
  link.listening(metrics.registry, readiness.verdict);
}

async function leave(server: RunningServer, prepared: Prepared, link: WorkerLink): Promise<void> {
  await server.stop();
  await close(prepared);
  await link.leave();
}

async function close({ foundations, engine }: Prepared): Promise<void> {
  await foundations.db.destroy();
  await engine.close();
}
