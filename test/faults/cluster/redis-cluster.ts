/**
 * Redis as a Cluster: three masters that share the slots, each with a replica that takes its place.
 * Nothing is kept on disk: a server that was killed comes back empty.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../support/test-server.ts';
import type { Machine, RunningProcess } from './machine.ts';
import type { RedisService } from './redis.ts';
import { until } from './until.ts';

const SERVERS = 6;
/** After this long without an answer the others agree that a server is gone. */
const NODE_TIMEOUT_MILLISECONDS = 1000;
/** Replicas sign in with a user of their own, so that replication can be cut without the network. */
const REPLICA_USER = 'replica';
const LOSS_MILLISECONDS = 1000;

interface Server {
  readonly name: string;
  readonly port: number;
  readonly config: string;
  process: RunningProcess;
}

export class ClusterRedis implements RedisService {
  readonly #machine: Machine;
  readonly #servers: readonly Server[];

  private constructor(machine: Machine, servers: readonly Server[]) {
    this.#machine = machine;
    this.#servers = servers;
  }

  static async start(machine: Machine): Promise<ClusterRedis> {
    const directory = machine.folder('redis');
    const servers: Server[] = [];
    for (let index = 0; index < SERVERS; index += 1) {
      servers.push(await startServer(machine, directory, `redis-${index}`));
    }
    const redis = new ClusterRedis(machine, servers);
    await Promise.all(servers.map((one) => redis.#untilAnswering(one)));
    const addresses = servers.map(({ port }) => `127.0.0.1:${port}`);
    const create = ['--cluster', 'create', ...addresses, '--cluster-replicas', '1'];
    await machine.run('redis-cli', [...create, '--cluster-yes']);
    await redis.#untilWhole();
    return redis;
  }

  get url(): string {
    return `redis+cluster://${this.#servers.map(({ port }) => `127.0.0.1:${port}`).join(',')}`;
  }

  async flush(): Promise<void> {
    for (const master of await this.#masters()) await this.#ask(master, 'FLUSHALL');
  }

  async kill(): Promise<void> {
    for (const { process } of this.#servers) process.signal('SIGKILL');
    await Promise.all(this.#servers.map(({ process }) => process.ended));
  }

  async restart(): Promise<void> {
    for (const server of this.#servers) {
      if (!server.process.isRunning) server.process = runServer(this.#machine, server);
    }
    await Promise.all(this.#servers.map((one) => this.#untilAnswering(one)));
    await this.#untilWhole();
  }

  freeze(): void {
    for (const { process } of this.#servers) process.signal('SIGSTOP');
  }

  thaw(): void {
    for (const { process } of this.#servers) process.signal('SIGCONT');
  }

  async freezePrimary(): Promise<() => void> {
    const old = await this.#oneMaster();
    old.process.signal('SIGSTOP');
    await this.#untilReplaced(old);
    return () => old.process.signal('SIGCONT');
  }

  async killPrimary(): Promise<void> {
    (await this.#oneMaster()).process.signal('SIGKILL');
  }

  async failOverWithLoss(): Promise<void> {
    const old = await this.#oneMaster();
    await this.#ask(old, 'ACL', 'SETUSER', REPLICA_USER, 'off');
    await this.#ask(old, 'CLIENT', 'KILL', 'TYPE', 'replica');
    await sleep(LOSS_MILLISECONDS);
    old.process.signal('SIGKILL');
    await this.#untilReplaced(old);
  }

  /** CLUSTER FAILOVER at every replica, one after the other: each master hands over what it has. */
  async handOver(): Promise<void> {
    const masters = await this.#masters();
    for (const server of this.#servers.filter((one) => !masters.includes(one))) {
      await this.#ask(server, 'CLUSTER', 'FAILOVER');
      await until('the replica rules', async () => (await this.#roleOf(server)) === 'master');
    }
  }

  async becomeWhole(): Promise<void> {
    await this.restart();
  }

  async #masters(): Promise<Server[]> {
    const roles = await Promise.all(this.#servers.map((one) => this.#roleOf(one)));
    return this.#servers.filter((_, index) => roles[index] === 'master');
  }

  async #oneMaster(): Promise<Server> {
    const [master] = await this.#masters();
    if (!master) throw new Error('no server is a master');
    return master;
  }

  async #untilReplaced(old: Server): Promise<void> {
    const others = this.#servers.filter((one) => one !== old && one.process.isRunning);
    await until('a replica has taken over', async () => {
      const roles = await Promise.all(others.map((one) => this.#roleOf(one)));
      return roles.filter((role) => role === 'master').length === SERVERS / 2;
    });
  }

  async #untilWhole(): Promise<void> {
    await until('the Cluster serves all slots, each with a replica', async () => {
      const states = await Promise.all(
        this.#servers.map((one) => this.#ask(one, 'CLUSTER', 'INFO')),
      );
      const masters = await this.#masters();
      const replicas = await Promise.all(
        masters.map((one) => this.#ask(one, 'INFO', 'replication')),
      );
      return (
        states.every((state) => state.includes('cluster_state:ok')) &&
        masters.length === SERVERS / 2 &&
        replicas.every((text) => /slave0:.*state=online/.test(text))
      );
    });
  }

  async #untilAnswering(server: Server): Promise<void> {
    await until('Redis answers', async () => (await this.#roleOf(server)) !== '');
  }

  async #roleOf(server: Server): Promise<string> {
    if (!server.process.isRunning) return '';
    return (await this.#ask(server, 'ROLE').catch(() => '')).split('\n')[0] ?? '';
  }

  async #ask({ port }: Server, ...command: readonly string[]): Promise<string> {
    return await this.#machine.run('redis-cli', ['-p', String(port), ...command]);
  }
}

async function startServer(machine: Machine, directory: string, name: string): Promise<Server> {
  const port = await freePort();
  const config = join(directory, `${name}.conf`);
  const lines = [
    ...[`port ${port}`, 'bind 127.0.0.1', 'save ""', 'appendonly no', `dir ${directory}`],
    ...['cluster-enabled yes', `cluster-port ${await freePort()}`],
    ...[`cluster-config-file ${name}.nodes`, `cluster-node-timeout ${NODE_TIMEOUT_MILLISECONDS}`],
    // A replica that was cut off takes over all the same: what it misses is lost.
    'cluster-replica-validity-factor 0',
    `user ${REPLICA_USER} on >${REPLICA_USER} +psync +replconf +ping`,
    ...[`masteruser ${REPLICA_USER}`, `masterauth ${REPLICA_USER}`],
    ...['repl-diskless-sync yes', 'repl-diskless-sync-delay 0'],
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  const place = { name, port, config };
  return { ...place, process: runServer(machine, place) };
}

function runServer(machine: Machine, { name, config }: Omit<Server, 'process'>): RunningProcess {
  return machine.start({ name, command: 'redis-server', args: [config] });
}
