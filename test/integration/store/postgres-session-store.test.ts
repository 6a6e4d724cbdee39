import { createEphemeralKeyRing } from '#crypto/key-ring.ts';
import { Sealer } from '#crypto/sealing.ts';
import { ChangeFeed } from '#store/change-feed.ts';
import { PostgresRecordStore } from '#store/postgres-record-store.ts';
import { PostgresSessionStore } from '#store/postgres-session-store.ts';
import { movableClock } from '../../support/clocks.ts';
import {
  describeOnEachDatabase,
  describeOnPostgresql,
  dumpTables,
  type TestDatabase,
} from '../../support/databases.ts';
import { describeSessionStoreContract } from '../../support/store-contract.ts';

const makeStore = (current: () => TestDatabase, processes: 1 | 2) => () => {
  const clock = movableClock();
  const sealer = new Sealer(createEphemeralKeyRing().only('sealing'));
  const { db, engine } = current();
  const second = processes === 2 ? engine.connect('application') : undefined;
  const open = (pool: typeof db) =>
    new PostgresSessionStore({ db: pool, sealer, clock, feed: new ChangeFeed({ db: pool }) });
  return Promise.resolve({
    stores: [open(db), ...(second ? [open(second)] : [])] as const,
    records: new PostgresRecordStore({ db, sealer, clock }),
    clock,
    dump: () => dumpTables(db, ['sessions', 'session_sites', 'grants']),
    close: async () => await second?.destroy(),
  });
};

describeOnEachDatabase('store/postgres-session-store', (current) => {
  describeSessionStoreContract('one process', makeStore(current, 1));
});

describeOnPostgresql('store/postgres-session-store', (current) => {
  describeSessionStoreContract('two processes', makeStore(current, 2));
});
