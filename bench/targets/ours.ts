/**
 * Our server as production runs it: the real process behind a trusted proxy, audit, limits, form
 * tokens and headers on, on a PostgreSQL of its own and, when the settings know one, a Redis.
 */
import { execFileSync, type ExecFileSyncOptions } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { settingLeaves } from '#config/load-settings.ts';
import { freePort } from '../../test/support/test-server.ts';
import { startChild } from '../machine/child.ts';
import { startPostgres, type PrivatePostgres } from '../machine/private-postgres.ts';
import { startRedis, type PrivateRedis } from '../machine/private-redis.ts';
import { cpuOfTree } from '../machine/processes.ts';
import { addCitizens } from './citizens.ts';
import { API, HOST, ISSUER, JWT_API, MACHINE, OPAQUE_API, SITE, type Target } from './target.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const run = (script: string) => [join(ROOT, 'bin/run.mjs'), join(ROOT, script)];

export interface OurServer extends Target {
  readonly name: 'ours';
  /** Of the server alone, without its stores. */
  readonly pid: number;
  readonly postgres: PrivatePostgres;
  readonly redis: PrivateRedis | undefined;
  /** Registers clients with `npm run cli -- client register`. */
  register(clients: readonly object[]): void;
}

type Command = (...args: readonly string[]) => void;

export interface OurServerOptions {
  /** For Node, before the script, e.g. `--inspect=…`. */
  readonly nodeOptions?: readonly string[];
}

export async function startOurs({ nodeOptions = [] }: OurServerOptions = {}): Promise<OurServer> {
  const folder = mkdtempSync(join(tmpdir(), 'yrt-bench-'));
  const postgres = await startPostgres();
  const redis = settingLeaves().some(({ variable }) => variable === 'REDIS_URL')
    ? await startRedis()
    : undefined;
  const [port, probes] = [await freePort(), await freePort()];
  const env = environmentOf({ folder, port, probes, postgres, redis });
  const command = (...args: readonly string[]) => {
    const options: ExecFileSyncOptions = {
      cwd: folder,
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    };
    execFileSync(process.execPath, [...run('src/cli.ts'), ...args], options);
  };
  prepare(folder, command);
  await addCitizens(postgres.url, join(folder, 'keys'));
  const [launcher = '', ...script] = run('src/main.ts');
  const server = await startChild([process.execPath, launcher, ...nodeOptions, ...script], {
    ...{ cwd: folder, env, output: join(folder, 'server.log') },
    isReady: async () => (await fetch(`http://127.0.0.1:${probes}/readyz`)).ok,
  });
  return {
    ...{ name: 'ours', origin: `http://127.0.0.1:${port}`, pid: server.pid },
    ...{ postgres, redis },
    register: (clients) => register(folder, command, clients),
    cpuMilliseconds: () =>
      cpuOfTree(server.pid) + cpuOfTree(postgres.pid) + (redis ? cpuOfTree(redis.pid) : 0),
    stop: async () => {
      await server.stop();
      await redis?.stop();
      await postgres.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface Surroundings {
  readonly folder: string;
  readonly port: number;
  readonly probes: number;
  readonly postgres: PrivatePostgres;
  readonly redis: PrivateRedis | undefined;
}

function environmentOf({ folder, port, probes, postgres, redis }: Surroundings) {
  return {
    PATH: process.env['PATH'],
    NODE_ENV: 'production',
    ISSUER,
    DATABASE_URL: postgres.url,
    ...(redis && { REDIS_URL: redis.url }),
    YRT_KEYS_DIRECTORY: join(folder, 'keys'),
    YRT_LISTEN_PORT: String(port),
    YRT_PROBES_PORT: String(probes),
    YRT_TRUSTED_PROXIES: '127.0.0.1/32',
  };
}

/** Keys, tables, signing keys, sites: what an operator does before the first start. */
function prepare(folder: string, command: Command): void {
  const resourceServers = [
    { identifier: OPAQUE_API, scopes: ['read'], accessTokenFormat: 'opaque' },
    { identifier: JWT_API, scopes: ['read'], accessTokenFormat: 'jwt' },
  ];
  mkdirSync(join(folder, 'config'));
  writeFileSync(join(folder, 'config/settings.json'), JSON.stringify({ resourceServers }));
  command('keys', 'init');
  command('migrate');
  command('keys', 'rotate');
  const apis = [OPAQUE_API, JWT_API];
  const sites = [
    { ...SITE, government: true, department: 'bench', allowed_resources: apis },
    { ...MACHINE, department: 'bench', allowed_resources: apis },
    { ...API, department: 'bench', resource_identifiers: [OPAQUE_API] },
  ].map((site) => ({
    ...site,
    client_name: `压测 ${site.client_id}`,
    client_uri: `https://${HOST}/`,
  }));
  register(folder, command, sites);
}

function register(folder: string, command: Command, clients: readonly object[]): void {
  writeFileSync(join(folder, 'clients.json'), JSON.stringify(clients));
  command('client', 'register', 'clients.json');
}
