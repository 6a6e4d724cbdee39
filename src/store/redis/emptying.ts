/**
 * Empties our part of Redis, after the database was restored to an earlier time: copies and records
 * in it may be younger than the rows that decide over them. Used by `restore finish` alone.
 */
import { Cluster, type Redis } from 'ioredis';
import type { RedisTarget } from '#lib/redis-url.ts';
import { createClient } from './connection.ts';

const KEYS_PER_SCAN = 1000;

/**
 * @param prefix - what our keys begin with; those of others stay
 * @returns how many keys were removed
 * @throws the driver's error when Redis does not answer
 */
export async function emptyRedis(target: RedisTarget, prefix: string): Promise<number> {
  const client = createClient(target);
  // The failure reaches the command that it concerns; ioredis demands a listener.
  client.on('error', () => undefined);
  try {
    await client.connect();
    const masters = client instanceof Cluster ? client.nodes('master') : [client];
    let removed = 0;
    for (const master of masters) removed += await emptyServer(master, prefix);
    return removed;
  } finally {
    client.disconnect();
  }
}

async function emptyServer(server: Redis, prefix: string): Promise<number> {
  const match = `${prefix.replaceAll(/[\\*?[\]]/g, String.raw`\$&`)}*`;
  const keys = server.scanStream({ match, count: KEYS_PER_SCAN }) as AsyncIterable<string[]>;
  let removed = 0;
  for await (const some of keys) {
    // One by one: in a Cluster the keys of one server belong to many slots.
    const counts = await Promise.all(some.map((key) => server.unlink(key)));
    removed += counts.reduce((sum, count) => sum + count, 0);
  }
  return removed;
}
