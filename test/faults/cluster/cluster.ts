/**
 * The whole of it: PostgreSQL with a standby behind an address that can be moved, Redis with three
 * Sentinels or as a Cluster, two nodes of the server behind a balancer, and the sites that hear of sign-outs. Every port is a free one of
 * 127.0.0.1; nothing is shared with what else runs on the machine.
 */
import { LogoutReceiver } from '../../support/logout-receiver.ts';
import { TcpProxy } from '../../support/tcp-proxy.ts';
import { freePort } from '../../support/test-server.ts';
import { Balancer } from './balancer.ts';
import { Machine } from './machine.ts';
import { PostgresqlPair } from './postgresql.ts';
import { ClusterRedis } from './redis-cluster.ts';
import { SentinelRedis, type RedisService } from './redis.ts';
import { ServerNode } from './server-node.ts';
import { DATABASE, prepareService, SERVER_ROLE, type Service } from './service.ts';

/** TLS ends at the balancer of a real cluster: the nodes are told https and speak plain HTTP. */
export const ISSUER = 'https://login.faults.example';
const NODES = 2;

export interface Cluster {
  readonly machine: Machine;
  readonly postgresql: PostgresqlPair;
  /** The address that the nodes know PostgreSQL by; Patroni would move it. */
  readonly databaseAddress: TcpProxy;
  readonly redis: RedisService;
  readonly nodes: readonly ServerNode[];
  readonly balancer: Balancer;
  /** Where the load connects to. */
  readonly port: number;
  readonly service: Service;
  /** The back-channel endpoint of every site with one. */
  readonly receiver: LogoutReceiver;
}

/** How Redis is put together. */
export const REDIS_FORMS = { sentinel: SentinelRedis, cluster: ClusterRedis } as const;
export type RedisForm = keyof typeof REDIS_FORMS;

/** Starts everything on a machine that the caller stops, whatever happens. */
export async function startCluster(machine: Machine, form: RedisForm): Promise<Cluster> {
  const receiver = new LogoutReceiver();
  const [postgresql, redis] = await Promise.all([
    PostgresqlPair.start(machine),
    REDIS_FORMS[form].start(machine),
    receiver.open(),
  ]);
  const databaseAddress = new TcpProxy({ host: '127.0.0.1', port: postgresql.port });
  const databasePort = await databaseAddress.open();
  const env = environmentOf(machine, databasePort, redis);
  const service = await prepareService(env, postgresql, receiver.uri);
  const nodes: ServerNode[] = [];
  for (let index = 0; index < NODES; index += 1) {
    const place = { name: `node-${index}`, port: await freePort(), probesPort: await freePort() };
    nodes.push(new ServerNode(machine, place, env));
  }
  await Promise.all(nodes.map((node) => node.start()));
  const balancer = new Balancer(nodes.map(({ place }) => place));
  const port = await freePort();
  await balancer.listen(port);
  const parts = { machine, postgresql, databaseAddress, redis, nodes, balancer };
  return { ...parts, port, service, receiver };
}

/** Ends what lives in this process; the processes end with their machine. */
export async function stopCluster(cluster: Cluster): Promise<void> {
  await cluster.balancer.stop();
  await cluster.databaseAddress.cut();
  await cluster.receiver.close();
}

/** The settings of a production node, as docs/operating.md gives them. */
function environmentOf(machine: Machine, databasePort: number, redis: RedisService) {
  return {
    NODE_ENV: 'production',
    ISSUER,
    DATABASE_URL: `postgres://${SERVER_ROLE}@127.0.0.1:${databasePort}/${DATABASE}`,
    REDIS_URL: redis.url,
    YRT_KEYS_DIRECTORY: `${machine.directory}/keys`,
    YRT_TRUSTED_PROXIES: '127.0.0.1/32',
    YRT_EGRESS_ALLOWED_PRIVATE_CIDRS: '127.0.0.0/8',
    YRT_LOG_LEVEL: 'info',
  };
}
