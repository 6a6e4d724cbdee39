import { createEphemeralKeyRing } from '#crypto/key-ring.ts';
import { Sealer } from '#crypto/sealing.ts';
import { movableClock } from '../../support/clocks.ts';
import {
  describeOnEachDatabase,
  describeOnPostgresql,
  dumpTables,
  type TestDatabase,
} from '../../support/databases.ts';
import { aNode } from '../../support/redis-node.ts';
import {
  describeWithRedis,
  linkTo,
  startRedis,
  startRedisCluster,
  type TestRedis,
} from '../../support/redis.ts';
import { describeRecordStoreContract } from '../../support/store-contract.ts';

const TABLES = ['grants', 'refresh_tokens', 'short_lived_records', 'replay_marks', 'changes'];

interface Servers {
  readonly url: string;
  readonly masters: readonly TestRedis[];
  close(): Promise<void>;
}

const makeStore =
  (current: () => TestDatabase, processes: 1 | 2, startServers: () => Promise<Servers>) =>
  async () => {
    const clock = movableClock();
    const sealer = new Sealer(createEphemeralKeyRing().only('sealing'));
    const servers = await startServers();
    const { db, engine } = current();
    const second = processes === 2 ? engine.connect('application') : undefined;
    const closing: (() => Promise<unknown>)[] = [() => servers.close()];
    const open = async (pool: typeof db) => {
      const redis = await linkTo(servers.url);
      const node = await aNode({ db: pool, redis, sealer, clock });
      closing.unshift(() => node.close());
      return node.store;
    };
    return {
      stores: [await open(db), ...(second ? [await open(second)] : [])] as const,
      clock,
      swept: ['Grant', 'Interaction', 'RefreshToken'] as const,
      dump: async () => {
        const inRedis = await Promise.all(servers.masters.map((one) => contentsOf(one)));
        return [await dumpTables(db, TABLES), ...inRedis].join('\n');
      },
      close: async () => {
        for (const close of closing) await close();
        await second?.destroy();
      },
    };
  };

/** Every key and value, as redis-cli shows them: printable bytes in clear. */
async function contentsOf(redis: TestRedis): Promise<string> {
  const keys = (await redis.command('--scan')).split('\n').filter((key) => key !== '');
  const values = await Promise.all(keys.map((key) => redis.command('get', key)));
  return [...keys, ...values].join('\n');
}

const single = async (): Promise<Servers> => {
  const redis = await startRedis();
  return { url: redis.url, masters: [redis], close: () => redis.close() };
};

describeWithRedis('store/redis-record-store', () => {
  describeOnEachDatabase('one server', (current) => {
    describeRecordStoreContract('one process', makeStore(current, 1, single));
  });

  describeOnPostgresql('one server, two nodes', (current) => {
    describeRecordStoreContract('two processes', makeStore(current, 2, single));
  });

  describeOnPostgresql('Cluster of three masters', (current) => {
    describeRecordStoreContract('two processes', makeStore(current, 2, startRedisCluster));
  });
});
