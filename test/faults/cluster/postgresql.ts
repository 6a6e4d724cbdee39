/**
 * PostgreSQL as a cluster runs it: a primary and a synchronous standby, each a server of its own
 * in a folder of its own. What Patroni would do (promote, build a new standby) is a method here.
 *
 * `fsync` is off: servers die in these trials, the machine under them does not.
 */
import { globSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { freePort } from '../../support/test-server.ts';
import type { Machine, RunningProcess } from './machine.ts';
import { until } from './until.ts';

const BIN = globSync('/usr/lib/postgresql/*/bin').sort().at(-1) ?? '';
const STANDBY_NAME = 'standby';
const OPTIONS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  fsync: 'off',
  wal_retrieve_retry_interval: '200ms',
  wal_receiver_status_interval: '200ms',
  logging_collector: 'off',
  max_connections: '60',
};

interface Server {
  readonly name: string;
  readonly directory: string;
  readonly port: number;
  process: RunningProcess;
}

export class PostgresqlPair {
  readonly #machine: Machine;
  #primary: Server;
  #standby: Server | undefined;
  #built = 0;

  private constructor(machine: Machine, primary: Server) {
    this.#machine = machine;
    this.#primary = primary;
  }

  static async start(machine: Machine): Promise<PostgresqlPair> {
    const directory = machine.folder('postgresql-0', 'postgres');
    const args = ['-D', directory, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C'];
    await machine.run(join(BIN, 'initdb'), [...args, '--no-sync'], true);
    const place = { name: 'postgresql-0', directory, port: await freePort() };
    const pair = new PostgresqlPair(machine, { ...place, process: startServer(machine, place) });
    await pair.#untilItAnswers();
    await pair.rebuildStandby();
    return pair;
  }

  /** Where the primary of the moment listens. */
  get port(): number {
    return this.#primary.port;
  }

  /** Runs SQL on the primary, past every proxy, as the superuser. */
  async sql<Row extends pg.QueryResultRow>(
    text: string,
    { database = 'postgres', values = [] }: { database?: string; values?: unknown[] } = {},
  ): Promise<Row[]> {
    return await query<Row>(this.#primary.port, database, { text, values });
  }

  /** kill -9 of the primary with all its backends. */
  async kill(): Promise<void> {
    this.#primary.process.signalTree('SIGKILL');
    await this.#primary.process.ended;
  }

  /** Starts the killed primary again. */
  async restart(): Promise<void> {
    await until('the old backends are gone', async () => {
      this.#primary.process = startServer(this.#machine, this.#primary);
      return await until('PostgreSQL answers', () => this.#answers(), {
        giveUp: () => !this.#primary.process.isRunning,
      }).then(
        () => true,
        () => false,
      );
    });
  }

  /** Every process of the primary stands still: connections open, and nobody answers. */
  freeze(): void {
    this.#primary.process.signalTree('SIGSTOP');
  }

  thaw(): void {
    this.#primary.process.signalTree('SIGCONT');
  }

  /** New transactions may not write, on the connections that are open neither. */
  async becomeReadOnly(isReadOnly: boolean): Promise<void> {
    await this.sql(
      isReadOnly
        ? 'ALTER SYSTEM SET default_transaction_read_only = on'
        : 'ALTER SYSTEM RESET default_transaction_read_only',
    );
    await this.sql('SELECT pg_reload_conf()');
  }

  async terminateBackends(): Promise<void> {
    await this.sql(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity ' +
        "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
    );
  }

  /** The standby takes over; the old primary is left as it is. */
  async promoteStandby(): Promise<void> {
    const standby = this.#standby;
    if (!standby) throw new Error('There is no standby.');
    await query(standby.port, 'postgres', { text: 'SELECT pg_promote(true, 30)' });
    this.#retired = this.#primary;
    this.#primary = standby;
    this.#standby = undefined;
  }

  #retired: Server | undefined;

  /** A new synchronous standby of the present primary, in the place of the old one. */
  async rebuildStandby(): Promise<void> {
    this.#retired?.process.signalTree('SIGKILL');
    await this.#retired?.process.ended;
    this.#built += 1;
    const name = `postgresql-${this.#built}`;
    const directory = this.#machine.folder(name, 'postgres');
    const args = ['-D', directory, '-R', '-X', 'stream', '-c', 'fast', '--no-sync'];
    const source = `host=127.0.0.1 port=${this.#primary.port} user=postgres`;
    await this.#machine.run(join(BIN, 'pg_basebackup'), [...args, '-d', source], true);
    const place = { name, directory, port: await freePort() };
    const conninfo = { primary_conninfo: `${source} application_name=${STANDBY_NAME}` };
    this.#standby = { ...place, process: startServer(this.#machine, place, conninfo) };
    await this.sql(`ALTER SYSTEM SET synchronous_standby_names = '${STANDBY_NAME}'`);
    await this.sql('SELECT pg_reload_conf()');
    await until('the standby is synchronous', async () => {
      const [row] = await this.sql<{ sync_state: string }>(
        'SELECT sync_state FROM pg_stat_replication',
      );
      return row?.sync_state === 'sync';
    });
  }

  #answers(): Promise<boolean> {
    return this.sql('SELECT 1').then(
      () => true,
      () => false,
    );
  }

  #untilItAnswers(): Promise<void> {
    return until('PostgreSQL answers', () => this.#answers());
  }
}

function startServer(
  machine: Machine,
  { name, directory, port }: Omit<Server, 'process'>,
  more: Readonly<Record<string, string>> = {},
): RunningProcess {
  const options = Object.entries({ ...OPTIONS, port: String(port), ...more });
  const args = options.flatMap(([option, value]) => ['-c', `${option}=${value}`]);
  const command = join(BIN, 'postgres');
  return machine.start({ name, command, args: ['-D', directory, ...args], asPostgres: true });
}

async function query<Row extends pg.QueryResultRow>(
  port: number,
  database: string,
  statement: { text: string; values?: unknown[] },
): Promise<Row[]> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.query<Row>(statement)).rows;
  } finally {
    await client.end();
  }
}
