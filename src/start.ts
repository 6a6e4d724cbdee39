/**
 * What main.ts runs once the runtime is known to fit: decides whether this process serves alone, is
 * the supervisor of a machine, or one of its workers; says in a sentence what keeps it from starting.
 */
import cluster from 'node:cluster';
import { parseArgs } from 'node:util';
import { processEnvironment } from '#config/environment.ts';
import { loadSettings, SettingsInvalid } from '#config/load-settings.ts';
import { StartRefused } from '#config/production.ts';
import type { Settings } from '#config/settings.ts';
import { SealBroken } from '#crypto/sealing.ts';
import { NoSigningKeys } from '#oidc/provider-holder.ts';
import { DataDirectoryInUse } from '#store/data-lock.ts';
import { withDemo } from './demo/first-run.ts';
import { WorkerDidNotStart } from './supervisor/worker-process.ts';

const EXPECTED = [
  ...[StartRefused, SettingsInvalid, DataDirectoryInUse, NoSigningKeys, SealBroken],
  WorkerDidNotStart,
];
/** Not reachable, or not letting us in (SQLSTATE 28: authorization, 3D: no such database). */
const DATABASE_UNUSABLE = /^(?:ECONNREFUSED|ECONNRESET|ENOTFOUND|ETIMEDOUT|28...|3D...)$/;

export async function run(): Promise<void> {
  try {
    await serve(readSettings());
  } catch (error) {
    console.error(explain(error));
    // Listeners and timers that started before the failure would keep the process alive.
    process.exit(1);
  }
}

/** The supervisor never loads what serves: it is small, and holds nothing that it does not need. */
async function serve(settings: Settings): Promise<void> {
  if (cluster.isPrimary && settings.workers !== 0) {
    const { runMachine } = await import('./machine.ts');
    await runMachine(settings);
    return;
  }
  const { runAlone, runAsWorker } = await import('./node.ts');
  await (cluster.isWorker ? runAsWorker(settings) : runAlone(settings));
}

/** @throws SettingsInvalid, and parseArgs' error for an argument that there is not */
function readSettings(): Settings {
  const { values } = parseArgs({ options: { workers: { type: 'string' } } });
  const workers = values.workers === undefined ? {} : { YRT_WORKERS: values.workers };
  return withDemo(loadSettings({ ...processEnvironment, ...workers }));
}

/** A sentence for what an operator can mend, the stack for what only we can. */
function explain(error: unknown): unknown {
  if (EXPECTED.some((kind) => error instanceof kind)) return (error as Error).message;
  const { code = '', port, syscall, message } = error as NodeJS.ErrnoException & { port?: number };
  if (code.startsWith('ERR_PARSE_ARGS')) return message;
  // In a worker the system call has another name.
  if (/^(?:listen|bind)$/.test(syscall ?? '') && (code === 'EADDRINUSE' || code === 'EACCES')) {
    const why = code === 'EADDRINUSE' ? 'is in use' : 'may not be opened by this user';
    return (
      `Port ${port ?? '?'} ${why}. Stop what uses it, or choose other ports with ` +
      'YRT_LISTEN_PORT (and ISSUER) and YRT_PROBES_PORT.'
    );
  }
  return DATABASE_UNUSABLE.test(code) ? `The database cannot be used: ${message || code}` : error;
}
