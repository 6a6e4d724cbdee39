/**
 * Redis servers of a test's own, on private ports of this machine: to be killed, stopped and emptied.
 * Where redis-server is not installed such tests are skipped with one line; in CI that is a failure.
 */
import { execFile, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createLogger } from '#config/logger.ts';
import { settingsSchema } from '#config/settings.ts';
import { parseRedisUrl } from '#lib/redis-url.ts';
import { openRedis, type RedisLink } from '#store/redis/connection.ts';
import { freePort } from './test-server.ts';

const run = promisify(execFile);

export interface TestRedis {
  readonly url: string;
  readonly port: number;
  /** Runs a command with redis-cli and returns what it prints. */
  command(...words: string[]): Promise<string>;
  /** SIGKILL: what was not written to disk is lost. */
  kill(): Promise<void>;
  /** Starts again on the same port, with what `save` wrote last. */
  restart(): Promise<void>;
  /** The process is there and does nothing (SIGSTOP), until `resume`. */
  hang(): void;
  resume(): void;
  close(): Promise<void>;
}

/** A server with nothing in it. */
export async function startRedis(options: readonly string[] = []): Promise<TestRedis> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'yrt-redis-'));
  const command = async (...words: string[]) =>
    (await run('redis-cli', ['-p', String(port), ...words])).stdout.trim();
  const start = async () => {
    const words = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder];
    const server = spawn('redis-server', [...words, '--save', '', ...options], { stdio: 'ignore' });
    await until(async () => (await command('ping')) === 'PONG');
    return server;
  };
  let server = await start();
  const kill = async () => {
    await ended(server);
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    command,
    kill,
    restart: async () => {
      await kill();
      server = await start();
    },
    hang: () => void server.kill('SIGSTOP'),
    resume: () => void server.kill('SIGCONT'),
    close: async () => {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export interface TestCluster {
  readonly url: string;
  readonly masters: readonly TestRedis[];
  close(): Promise<void>;
}

/** Three masters that share the slots. */
export async function startRedisCluster(): Promise<TestCluster> {
  const masters: TestRedis[] = [];
  for (let index = 0; index < 3; index += 1) {
    const busPort = String(await freePort());
    masters.push(
      await startRedis([
        ...['--cluster-enabled', 'yes', '--cluster-port', busPort],
        ...['--cluster-node-timeout', '2000'],
      ]),
    );
  }
  const addresses = masters.map(({ port }) => `127.0.0.1:${port}`);
  await run('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-yes']);
  await until(async () => {
    const states = await Promise.all(masters.map((one) => one.command('cluster', 'info')));
    return states.every((state) => state.includes('cluster_state:ok'));
  });
  return {
    url: `redis+cluster://${addresses.join(',')}`,
    masters,
    close: async () => {
      await Promise.all(masters.map((one) => one.close()));
    },
  };
}

/** A process's connection, as services.ts opens it, but patient where time is not what is tested. */
export async function linkTo(url: string, timeoutMilliseconds = 5000): Promise<RedisLink> {
  const target = parseRedisUrl(url);
  if (!target) throw new Error(`not a Redis URL: ${url}`);
  const log = createLogger(settingsSchema.parse({ environment: 'test', logLevel: 'silent' }));
  return await openRedis({ target, prefix: 'test:', log, timeoutMilliseconds });
}

/** Runs the cases where redis-server is installed. */
export function describeWithRedis(title: string, cases: () => void): void {
  describe(title, () => {
    before(function () {
      if (spawnSync('redis-server', ['--version']).status === 0) return;
      if (process.env['CI'] === 'true') throw new Error('redis-server is not installed');
      console.log('    skipped: redis-server is not installed');
      this.skip();
    });
    cases();
  });
}

async function ended(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const gone = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGKILL');
  await gone;
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (await isSo().catch(() => false)) return;
    await wait(50);
  }
  throw new Error('Redis did not become ready within 10 s');
}
