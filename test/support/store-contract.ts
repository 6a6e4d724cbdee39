/**
 * The contracts of src/store/record-store.ts and session-store.ts in executable form. A store that
 * passes them may be plugged in; the cases are in store-contract/.
 */
import type { RecordStoreUnderTest } from './store-contract/fixture.ts';
import { describeGrants } from './store-contract/grants.ts';
import { describeRecords } from './store-contract/records.ts';
import { describeSessionEnds } from './store-contract/session-ends.ts';
import type { SessionStoreUnderTest } from './store-contract/session-fixture.ts';
import { describeSessions } from './store-contract/sessions.ts';
import { describeSingleUse } from './store-contract/single-use.ts';

export function describeRecordStoreContract(
  name: string,
  makeStore: () => Promise<RecordStoreUnderTest>,
) {
  describe(`record store contract: ${name}`, () => {
    const current = madeBefore(makeStore);
    describeRecords(current);
    describeSingleUse(current);
    describeGrants(current);
  });
}

export function describeSessionStoreContract(
  name: string,
  makeStore: () => Promise<SessionStoreUnderTest>,
) {
  describe(`session store contract: ${name}`, () => {
    const current = madeBefore(makeStore);
    describeSessions(current);
    describeSessionEnds(current);
  });
}

/** Makes the block's store before its cases and closes it after them. */
function madeBefore<T extends { close(): Promise<void> }>(make: () => Promise<T>): () => T {
  let made: T | undefined;
  before(async function () {
    this.timeout(60_000);
    made = await make();
  });
  after(async () => {
    await made?.close();
  });
  return () => {
    if (!made) throw new Error('The store is only there inside `it` and hooks.');
    return made;
  };
}
