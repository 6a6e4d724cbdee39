/**
 * The connection to Redis: one server, a master behind Sentinels, or a Cluster (lib/redis-url.ts).
 * Made once per process by services.ts; everything goes through `run`, so that one breaker knows of
 * every failure. Redis is never needed: whoever gets RedisUnavailable goes on in PostgreSQL.
 */
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import type { Logger } from 'pino';
import type { RedisTarget } from '#lib/redis-url.ts';
import { Breaker } from './breaker.ts';

/** DESIGN §10: no request waits longer for one answer of Redis. The breaker keeps this time. */
const TIMEOUT_MILLISECONDS = 200;
/** After this a command makes way for the next pipeline. */
const COMMAND_MILLISECONDS = 1000;
/** A connection on which nothing comes back is made anew: TCP alone would wait for minutes. */
const SOCKET_MILLISECONDS = 2000;
const CONNECT_MILLISECONDS = 1000;
const LONGEST_RETRY_MILLISECONDS = 1000;

/** The commands, the same for one server and for a Cluster. */
export type RedisCommands = Pick<
  Redis,
  'expireat' | 'expiretime' | 'get' | 'getBuffer' | 'mgetBuffer' | 'ping' | 'set' | 'unlink'
>;

export interface RedisLink {
  /** What every key begins with, so that several installations may share a server. */
  readonly prefix: string;
  /** False while the breaker is open: the last commands failed. */
  readonly isAvailable: boolean;
  /**
   * @param work - commands on keys of one slot; those of one tick leave in one round trip
   * @throws RedisUnavailable at once while the breaker is open, else after 200 ms at most
   */
  run<T>(work: (redis: RedisCommands) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface RedisLinkOptions {
  readonly target: RedisTarget;
  readonly prefix: string;
  readonly log: Logger;
  /** Longest wait for one answer. */
  readonly timeoutMilliseconds?: number;
}

/** Connects; with a Redis that does not answer it returns all the same, and goes on trying. */
export async function openRedis(options: RedisLinkOptions): Promise<RedisLink> {
  const { target, prefix, log, timeoutMilliseconds = TIMEOUT_MILLISECONDS } = options;
  const client = createClient(target);
  // Refused connections and passwords are told only here: commands hear that there is none.
  let connectionError: string | undefined;
  client.on('error', (error: Error) => {
    connectionError = error.message;
    log.debug({ err: error }, 'redis');
  });
  const breaker = new Breaker({
    ping: () => pingAll(client),
    timeoutMilliseconds,
    onChange: (isOpen, cause) => {
      if (isOpen) {
        log.error({ err: cause, connectionError }, 'Redis does not answer: going on in PostgreSQL');
        return;
      }
      connectionError = undefined;
      log.info('Redis answers again');
    },
  });
  const connected = client.connect().then(
    () => client.ping(),
    (error: unknown) => breaker.open(error),
  );
  await Promise.race([connected.catch(() => undefined), wait(CONNECT_MILLISECONDS)]);
  if (client.status !== 'ready') breaker.open(new Error('not connected'));
  return {
    prefix,
    get isAvailable() {
      return !breaker.isOpen;
    },
    run: (work) => breaker.run(() => whereItIs(client, () => work(client as RedisCommands))),
    close: () => {
      breaker.close();
      client.disconnect();
      return Promise.resolve();
    },
  };
}

/** Redis is back when all of it is: a Cluster without one of its masters fails some of any request. */
async function pingAll(client: Redis | Cluster): Promise<void> {
  if (client instanceof Redis) {
    await client.ping();
    return;
  }
  await learnSlots(client);
  await Promise.all(client.nodes('master').map((master) => master.ping()));
}

/**
 * After a failover the driver follows MOVED by itself, but not for commands on several slots that
 * left together: these are sent again, once, when it is known who has the slots.
 */
async function whereItIs<T>(client: Redis | Cluster, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const hasMoved = error instanceof Error && error.message.startsWith('MOVED ');
    if (!hasMoved || client instanceof Redis) throw error;
    await learnSlots(client);
    return await work();
  }
}

const learnSlots = (client: Cluster) =>
  new Promise<void>((resolve, reject) => {
    client.refreshSlotsCache((error) => (error ? reject(error) : resolve()));
  });

/** Not connected yet. */
export function createClient(target: RedisTarget): Redis | Cluster {
  const server = serverOptions(target);
  const hosts = target.hosts.map(({ host, port }) => ({ host, port }));
  if (target.kind === 'cluster') return new Cluster(hosts, clusterOptions(server));
  const single = {
    ...server,
    lazyConnect: true,
    enableOfflineQueue: false,
    retryStrategy: backOff,
    db: target.database,
  };
  if (target.kind === 'single') return new Redis({ ...single, ...target.hosts[0] });
  return new Redis({
    ...single,
    sentinels: hosts,
    name: target.masterName ?? '',
    sentinelRetryStrategy: backOff,
    sentinelCommandTimeout: CONNECT_MILLISECONDS,
    failoverDetector: true,
    ...(target.tls && { enableTLSForSentinelMode: true, sentinelTLS: {} }),
  });
}

/** What holds for every connection to a data server. */
function serverOptions({ tls, username, password }: RedisTarget) {
  return {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls && { tls: {} }),
    connectionName: 'yirentong',
    enableAutoPipelining: true,
    commandTimeout: COMMAND_MILLISECONDS,
    socketTimeout: SOCKET_MILLISECONDS,
    connectTimeout: CONNECT_MILLISECONDS,
    maxRetriesPerRequest: 1,
    // A command whose answer is lost has been given up: it must not be sent again later.
    autoResendUnfulfilledCommands: false,
    // A demoted master: the connection goes to the new one.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
  } satisfies RedisOptions;
}

function clusterOptions(server: ReturnType<typeof serverOptions>) {
  const { enableAutoPipelining, ...redisOptions } = server;
  return {
    redisOptions,
    enableAutoPipelining,
    lazyConnect: true,
    enableOfflineQueue: false,
    // A replica may lag behind: single use and revocation would be looser there.
    scaleReads: 'master' as const,
    clusterRetryStrategy: backOff,
    slotsRefreshTimeout: CONNECT_MILLISECONDS,
    slotsRefreshInterval: 5000,
    retryDelayOnFailover: 50,
    retryDelayOnClusterDown: 50,
    maxRedirections: 4,
  };
}

const backOff = (attempt: number) => Math.min(50 * 2 ** (attempt - 1), LONGEST_RETRY_MILLISECONDS);

const wait = (milliseconds: number) =>
  new Promise<void>((resolve) => {
    setTimeout(resolve, milliseconds).unref();
  });
