/**
 * A PostgreSQL of its own, durable as in production (fsync, synchronous commit): its CPU time, all
 * backends, WAL writer and checkpointer included, is then that of our server.
 */
import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import knex, { type Knex } from 'knex';
import { freePort } from '../../test/support/test-server.ts';
import { startChild, type Child } from './child.ts';

export interface PrivatePostgres extends Child {
  readonly url: string;
  /** As superuser, for figures about the server itself. */
  readonly admin: Knex;
}

/** knex would tell of every attempt to connect before it is up. */
const QUIET = { warn: () => undefined, error: () => undefined };
const SETTINGS = ['shared_buffers=256MB', 'max_connections=200', 'max_wal_size=2GB'];

/** @throws Error where there are no PostgreSQL binaries */
export async function startPostgres(): Promise<PrivatePostgres> {
  const bin = globSync('/usr/lib/postgresql/*/bin').sort().at(-1);
  if (bin === undefined) throw new Error('The benchmark needs PostgreSQL in /usr/lib/postgresql.');
  const data = mkdtempSync(join(tmpdir(), 'yrt-bench-postgres-'));
  const asPostgres = unprivileged(data);
  run([...asPostgres, join(bin, 'initdb'), '-A', 'trust', '-U', 'postgres', '-N', '-D', data]);
  const port = await freePort();
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  const admin = knex({ client: 'pg', connection: url, pool: { min: 0, max: 1 }, log: QUIET });
  const options = [...SETTINGS, `unix_socket_directories=${data}`, 'listen_addresses=127.0.0.1'];
  const child = await startChild(
    [
      ...[...asPostgres, join(bin, 'postgres'), '-D', data, '-p', String(port)],
      ...options.flatMap((option) => ['-c', option]),
    ],
    { stopSignal: 'SIGINT', isReady: () => admin.raw('SELECT 1').then(() => true) },
  );
  const stop = async () => {
    await admin.destroy();
    await child.stop();
    rmSync(data, { recursive: true, force: true });
  };
  return { ...child, url, admin, stop };
}

/** PostgreSQL refuses to run as root: then everything is run as its own user. */
function unprivileged(data: string): readonly string[] {
  if (process.getuid?.() !== 0) return [];
  const id = (option: string) =>
    Number(execFileSync('id', [option, 'postgres'], { encoding: 'utf8' }));
  chownSync(data, id('-u'), id('-g'));
  return ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups', '--'];
}

function run([program = '', ...args]: readonly string[]): void {
  if (program.includes('/') && !existsSync(program)) throw new Error(`${program} is missing`);
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
}
