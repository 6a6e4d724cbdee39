/** Cached session stores of one or two nodes, on Redis servers of their own. */
import { createEphemeralKeyRing } from '#crypto/key-ring.ts';
import { Sealer } from '#crypto/sealing.ts';
import { systemClock } from '#lib/clock.ts';
import { CachedSessionStore } from '#store/cached-session-store.ts';
import { ChangeFeed } from '#store/change-feed.ts';
import { fromUnix } from '#store/moments.ts';
import { PostgresRecordStore } from '#store/postgres-record-store.ts';
import { PostgresSessionStore } from '#store/postgres-session-store.ts';
import { SessionCopies } from '#store/redis/session-copies.ts';
import type { RedisLink } from '#store/redis/connection.ts';
import { movableClock } from './clocks.ts';
import { dumpTables, type TestDatabase } from './databases.ts';
import { linkTo, startRedis, startRedisCluster, type TestRedis } from './redis.ts';
import type { SessionStoreUnderTest } from './store-contract/session-fixture.ts';

export interface RedisServers {
  readonly url: string;
  readonly masters: readonly [TestRedis, ...TestRedis[]];
  close(): Promise<void>;
}

export interface SessionNode {
  readonly store: CachedSessionStore;
  readonly feed: ChangeFeed;
  readonly redis: RedisLink;
}

export interface CachedSessions extends SessionStoreUnderTest {
  readonly nodes: readonly [SessionNode, ...SessionNode[]];
  readonly servers: RedisServers;
}

export const oneServer = async (): Promise<RedisServers> => {
  const redis = await startRedis();
  return { url: redis.url, masters: [redis], close: () => redis.close() };
};

export const aCluster = async (): Promise<RedisServers> => {
  const cluster = await startRedisCluster();
  const [first, ...others] = cluster.masters;
  if (!first) throw new Error('A Cluster has masters.');
  return { url: cluster.url, masters: [first, ...others], close: () => cluster.close() };
};

export async function startCachedSessions(
  { db, engine }: TestDatabase,
  nodes: 1 | 2,
  startServers: () => Promise<RedisServers>,
): Promise<CachedSessions> {
  // Redis expires keys by its own clock: that of the stores begins with it.
  const clock = movableClock(fromUnix(systemClock.nowSeconds()).toISOString());
  const sealer = new Sealer(createEphemeralKeyRing().only('sealing'));
  const servers = await startServers();
  const second = nodes === 2 ? engine.connect('application') : undefined;
  const open = async (pool: typeof db): Promise<SessionNode> => {
    const feed = new ChangeFeed({ db: pool });
    await feed.start();
    const redis = await linkTo(servers.url);
    const durable = new PostgresSessionStore({ db: pool, sealer, clock, feed });
    const copies = new SessionCopies({ redis, sealer });
    return { feed, redis, store: new CachedSessionStore({ durable, copies, feed, clock }) };
  };
  const opened = [await open(db), ...(second ? [await open(second)] : [])] as const;
  const [here, there] = opened;
  return {
    nodes: opened,
    stores: there ? [here.store, there.store] : [here.store],
    records: new PostgresRecordStore({ db, sealer, clock, feed: here.feed }),
    ...{ clock, servers },
    dump: async () => {
      const inRedis = await Promise.all(servers.masters.map(contentsOf));
      const tables = ['sessions', 'session_sites', 'grants', 'changes'];
      return [await dumpTables(db, tables), ...inRedis].join('\n');
    },
    close: async () => {
      for (const { feed, redis } of opened) {
        await feed.stop();
        await redis.close();
      }
      await second?.destroy();
      await servers.close();
    },
  };
}

/** Every key and value, as redis-cli shows them. */
async function contentsOf(redis: TestRedis): Promise<string> {
  const keys = (await redis.command('--scan')).split('\n').filter((key) => key !== '');
  const values = await Promise.all(keys.map((key) => redis.command('get', key)));
  return [...keys, ...values].join('\n');
}
