/** One node's record store on Redis and PostgreSQL, as services.ts makes it. */
import type { Knex } from 'knex';
import { createLogger } from '#config/logger.ts';
import { settingsSchema } from '#config/settings.ts';
import type { Sealer } from '#crypto/sealing.ts';
import type { Clock } from '#lib/clock.ts';
import { ChangeFeed } from '#store/change-feed.ts';
import { PostgresRecordStore } from '#store/postgres-record-store.ts';
import type { RedisLink } from '#store/redis/connection.ts';
import { RedisRecordStore } from '#store/redis/redis-record-store.ts';

export interface RedisNode {
  readonly store: RedisRecordStore;
  readonly durable: PostgresRecordStore;
  readonly redis: RedisLink;
  readonly feed: ChangeFeed;
  close(): Promise<void>;
}

export interface RedisNodeParts {
  readonly db: Knex;
  readonly redis: RedisLink;
  readonly sealer: Sealer;
  readonly clock: Clock;
}

export const LONGEST_SECONDS = 600;

export async function aNode(parts: RedisNodeParts): Promise<RedisNode> {
  const log = createLogger(settingsSchema.parse({ environment: 'test', logLevel: 'silent' }));
  const feed = new ChangeFeed({ db: parts.db });
  await feed.start();
  const durable = new PostgresRecordStore({ ...parts, feed });
  const store = new RedisRecordStore({
    ...{ ...parts, durable, feed, log },
    longestSeconds: LONGEST_SECONDS,
    leftUntil: await durable.lastVolatileEnd(),
  });
  return {
    ...{ store, durable, feed, redis: parts.redis },
    close: async () => {
      await feed.stop();
      await parts.redis.close();
    },
  };
}
