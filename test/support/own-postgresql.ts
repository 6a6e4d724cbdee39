/** A PostgreSQL server of a test's own, with a WAL archive, on a free port of 127.0.0.1. */
import { execFile } from 'node:child_process';
import { chmodSync, globSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openDatabase } from '#store/database.ts';
import { migrate } from '#store/migrate.ts';
import type { TestDatabase } from './databases.ts';
import { freePort } from './test-server.ts';

const BIN = globSync('/usr/lib/postgresql/*/bin').sort().at(-1) ?? '';
const run = promisify(execFile);
/** PostgreSQL refuses to run as root. */
const AS_POSTGRES = ['--reuid=postgres', '--regid=postgres', '--clear-groups'];

export const isPostgresqlInstalled = () => BIN !== '';

export class OwnPostgresql {
  /** Archived WAL files. */
  readonly archive: string;
  readonly #folder: string;
  readonly #port: number;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.#port = port;
    this.archive = join(folder, 'wal');
  }

  static async start(): Promise<OwnPostgresql> {
    const folder = mkdtempSync(join(tmpdir(), 'yrt-postgresql-'));
    // Its owner is another user than the one who runs the tests.
    for (const path of [folder, join(folder, 'wal')]) {
      mkdirSync(path, { recursive: true });
      chmodSync(path, 0o777);
    }
    const own = new OwnPostgresql(folder, await freePort());
    await own.#command('initdb', '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync');
    const options = [
      `-c port=${own.#port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''`,
      `-c fsync=off -c archive_mode=on -c archive_command='cp %p ${own.archive}/%f'`,
    ];
    const log = ['-l', join(folder, 'log')];
    await own.#command('pg_ctl', '-s', '-w', ...log, '-o', options.join(' '), 'start');
    return own;
  }

  get url(): string {
    return `postgres://postgres@127.0.0.1:${this.#port}/postgres`;
  }

  /** The server's first database, migrated. */
  async openDatabase(): Promise<TestDatabase> {
    const engine = await openDatabase({ databaseUrl: this.url, dataDirectory: 'memory://' });
    const owner = engine.connect('owner');
    await migrate(owner);
    await owner.destroy();
    return { kind: engine.kind, engine, db: engine.connect('application'), url: this.url };
  }

  async stop(): Promise<void> {
    await this.#command('pg_ctl', '-s', '-w', '-m', 'fast', 'stop');
    rmSync(this.#folder, { recursive: true });
  }

  async #command(name: string, ...args: readonly string[]): Promise<void> {
    const command = [join(BIN, name), '-D', join(this.#folder, 'data'), ...args];
    const isRoot = userInfo().uid === 0;
    const [program = '', ...rest] = isRoot ? ['setpriv', ...AS_POSTGRES, ...command] : command;
    await run(program, rest, { cwd: '/' });
  }
}
