/**
 * Redis as a cluster runs it: a primary, a replica, and three Sentinels that promote the replica.
 * Nothing is kept on disk: a server that was killed comes back empty.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../support/test-server.ts';
import type { Machine, RunningProcess } from './machine.ts';
import { until } from './until.ts';

const MASTER_NAME = 'yirentong';
const SENTINELS = 3;
/** The replica signs in with a user of its own, so that replication can be cut without the network. */
const REPLICA_USER = 'replica';
const LOSS_MILLISECONDS = 1000;

interface Server {
  readonly name: string;
  readonly port: number;
  readonly config: string;
  process: RunningProcess;
}

/** What is done to Redis, however it is put together. */
export interface RedisService {
  readonly url: string;
  flush(): Promise<void>;
  /** kill -9 of every server. */
  kill(): Promise<void>;
  /** Starts what was killed, as the others know it. */
  restart(): Promise<void>;
  /** Every server stands still: connections open, and nobody answers. */
  freeze(): void;
  thaw(): void;
  /** A primary stands still until another is promoted; it wakes up as nobody's master. */
  freezePrimary(): Promise<() => void>;
  /** kill -9 of a primary; returns at once. */
  killPrimary(): Promise<void>;
  /** Replication stops, a second's writes go to a primary only, and then it dies. */
  failOverWithLoss(): Promise<void>;
  /** What an operator does before maintenance: the replica takes over while all run. */
  handOver(): Promise<void>;
  /** Until all servers run and agree, so that the next one can fail over. */
  becomeWhole(): Promise<void>;
}

export class SentinelRedis implements RedisService {
  readonly #machine: Machine;
  readonly #servers: readonly Server[];
  readonly #sentinels: readonly number[];

  private constructor(machine: Machine, servers: readonly Server[], sentinels: readonly number[]) {
    this.#machine = machine;
    this.#servers = servers;
    this.#sentinels = sentinels;
  }

  static async start(machine: Machine): Promise<SentinelRedis> {
    const directory = machine.folder('redis');
    const primary = await startServer(machine, directory, 'redis-0');
    const replica = await startServer(machine, directory, 'redis-1', primary.port);
    const sentinels: number[] = [];
    for (let index = 0; index < SENTINELS; index += 1) {
      sentinels.push(await startSentinel(machine, directory, index, primary.port));
    }
    const redis = new SentinelRedis(machine, [primary, replica], sentinels);
    await redis.#untilReplicating();
    return redis;
  }

  get url(): string {
    const hosts = this.#sentinels.map((port) => `127.0.0.1:${port}`);
    return `redis+sentinel://${hosts.join(',')}/${MASTER_NAME}`;
  }

  async flush(): Promise<void> {
    await this.#ask((await this.#primary()).port, 'FLUSHALL');
  }

  async kill(): Promise<void> {
    for (const { process } of this.#servers) process.signal('SIGKILL');
    await Promise.all(this.#servers.map(({ process }) => process.ended));
  }

  async restart(): Promise<void> {
    const primary = await this.#primary();
    for (const server of this.#servers) {
      if (server.process.isRunning) continue;
      const source = server === primary ? undefined : primary.port;
      server.process = runServer(this.#machine, server, source);
    }
    await until('Redis answers', async () => (await this.#roleOf(primary)) === 'master');
  }

  freeze(): void {
    for (const { process } of this.#servers) process.signal('SIGSTOP');
  }

  thaw(): void {
    for (const { process } of this.#servers) process.signal('SIGCONT');
  }

  async freezePrimary(): Promise<() => void> {
    const old = await this.#primary();
    old.process.signal('SIGSTOP');
    await this.#untilPromoted(old);
    return () => old.process.signal('SIGCONT');
  }

  async killPrimary(): Promise<void> {
    (await this.#primary()).process.signal('SIGKILL');
  }

  async failOverWithLoss(): Promise<void> {
    const old = await this.#primary();
    await this.#ask(old.port, 'ACL', 'SETUSER', REPLICA_USER, 'off');
    await this.#ask(old.port, 'CLIENT', 'KILL', 'TYPE', 'replica');
    await sleep(LOSS_MILLISECONDS);
    old.process.signal('SIGKILL');
    await this.#untilPromoted(old);
  }

  async handOver(): Promise<void> {
    const old = await this.#primary();
    const [sentinel = 0] = this.#sentinels;
    await this.#ask(sentinel, 'SENTINEL', 'FAILOVER', MASTER_NAME);
    await this.#untilPromoted(old);
  }

  async becomeWhole(): Promise<void> {
    await this.restart();
    await this.#untilReplicating();
  }

  async #primary(): Promise<Server> {
    const [sentinel = 0] = this.#sentinels;
    const answer = await this.#ask(sentinel, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', MASTER_NAME);
    const port = Number(answer.split('\n')[1]);
    const server = this.#servers.find((one) => one.port === port);
    if (!server) throw new Error(`the Sentinels name an unknown primary: ${answer}`);
    return server;
  }

  async #untilPromoted(old: Server): Promise<void> {
    await until('the Sentinels have promoted the replica', async () => {
      const primary = await this.#primary();
      return primary !== old && (await this.#roleOf(primary)) === 'master';
    });
  }

  async #untilReplicating(): Promise<void> {
    await until('Redis replicates, and all Sentinels know', async () => {
      const { port } = await this.#primary();
      const replicas = await this.#ask(port, 'INFO', 'replication');
      const [sentinel = 0] = this.#sentinels;
      const state = await this.#ask(sentinel, 'SENTINEL', 'CKQUORUM', MASTER_NAME);
      const known = await this.#ask(sentinel, 'SENTINEL', 'REPLICAS', MASTER_NAME);
      const isHealthy = /flags\s+slave\s/.test(known);
      return /slave0:.*state=online/.test(replicas) && state.startsWith('OK') && isHealthy;
    });
  }

  async #roleOf({ port }: Server): Promise<string> {
    return (await this.#ask(port, 'ROLE').catch(() => '')).split('\n')[0] ?? '';
  }

  async #ask(port: number, ...command: readonly string[]): Promise<string> {
    return await this.#machine.run('redis-cli', ['-p', String(port), ...command]);
  }
}

async function startServer(
  machine: Machine,
  directory: string,
  name: string,
  source?: number,
): Promise<Server> {
  const port = await freePort();
  const config = join(directory, `${name}.conf`);
  const lines = [
    ...[`port ${port}`, 'bind 127.0.0.1', 'save ""', 'appendonly no', `dir ${directory}`],
    `user ${REPLICA_USER} on >${REPLICA_USER} +psync +replconf +ping`,
    ...[`masteruser ${REPLICA_USER}`, `masterauth ${REPLICA_USER}`],
    ...['repl-diskless-sync yes', 'repl-diskless-sync-delay 0'],
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  const place = { name, port, config };
  return { ...place, process: runServer(machine, place, source) };
}

function runServer(
  machine: Machine,
  { name, config }: Omit<Server, 'process'>,
  source: number | undefined,
): RunningProcess {
  const role = source === undefined ? [] : ['--replicaof', `127.0.0.1 ${source}`];
  return machine.start({ name, command: 'redis-server', args: [config, ...role] });
}

async function startSentinel(
  machine: Machine,
  directory: string,
  index: number,
  primaryPort: number,
): Promise<number> {
  const port = await freePort();
  const name = `sentinel-${index}`;
  const config = join(directory, `${name}.conf`);
  const lines = [
    ...[`port ${port}`, 'bind 127.0.0.1', `dir ${directory}`],
    `sentinel monitor ${MASTER_NAME} 127.0.0.1 ${primaryPort} 2`,
    `sentinel down-after-milliseconds ${MASTER_NAME} 1000`,
    `sentinel failover-timeout ${MASTER_NAME} 3000`,
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  machine.start({ name, command: 'redis-server', args: [config, '--sentinel'] });
  return port;
}
