import { createEphemeralKeyRing } from '#crypto/key-ring.ts';
import { Sealer } from '#crypto/sealing.ts';
import { PostgresRecordStore } from '#store/postgres-record-store.ts';
import { movableClock } from '../../support/clocks.ts';
import {
  describeOnEachDatabase,
  describeOnPostgresql,
  dumpTables,
  type TestDatabase,
} from '../../support/databases.ts';
import { MODELS } from '../../support/store-contract/fixture.ts';
import { describeRecordStoreContract } from '../../support/store-contract.ts';

const TABLES = ['grants', 'refresh_tokens', 'short_lived_records', 'replay_marks'];

const makeStore = (current: () => TestDatabase, processes: 1 | 2) => () => {
  const clock = movableClock();
  const sealer = new Sealer(createEphemeralKeyRing().only('sealing'));
  const { db, engine } = current();
  const second = processes === 2 ? engine.connect('application') : undefined;
  const open = (pool: typeof db) => new PostgresRecordStore({ db: pool, sealer, clock });
  return Promise.resolve({
    stores: [open(db), ...(second ? [open(second)] : [])] as const,
    clock,
    swept: MODELS,
    dump: () => dumpTables(db, TABLES),
    close: async () => await second?.destroy(),
  });
};

describeOnEachDatabase('store/postgres-record-store', (current) => {
  describeRecordStoreContract('one process', makeStore(current, 1));
});

describeOnPostgresql('store/postgres-record-store', (current) => {
  describeRecordStoreContract('two processes', makeStore(current, 2));
});
