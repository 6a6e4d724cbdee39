/** The bare provider on the real stores, with hooks in the moments that races are about. */
import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import { createEphemeralKeyRing } from '#crypto/key-ring.ts';
import { Sealer } from '#crypto/sealing.ts';
import { systemClock } from '#lib/clock.ts';
import { createAdapterFactory } from '#oidc/adapter.ts';
import { ChangeFeed } from '#store/change-feed.ts';
import { PostgresRecordStore } from '#store/postgres-record-store.ts';
import { PostgresSessionStore } from '#store/postgres-session-store.ts';
import type { Payload, RecordModel } from '#store/record-store.ts';
import type { EndedSession, SessionRecord } from '#store/session-store.ts';
import { findClient, startBareProvider, type BareProvider } from './adapter-provider.ts';
import { ORIGIN } from './store-contract/session-fixture.ts';

export interface StoredProvider extends BareProvider {
  readonly records: PostgresRecordStore;
  readonly sessions: PostgresSessionStore;
  /** What onReuse was told. */
  readonly reused: { model: RecordModel; payload: Payload }[];
  /** What onSessionEnded was told. */
  readonly ended: EndedSession[];
  /** Happens between a request's reading of its session and its saving of it. */
  afterSessionRead: (session: SessionRecord) => Promise<void>;
  /** Happens between a request's reading of a single-use record and its using it. */
  beforeConsume: () => Promise<void>;
}

export async function startStoredProvider(db: Knex): Promise<StoredProvider> {
  const stores = {
    ...{ db, clock: systemClock, feed: new ChangeFeed({ db }) },
    sealer: new Sealer(createEphemeralKeyRing().only('sealing')),
  };
  const hooks = {
    afterSessionRead: () => Promise.resolve(),
    beforeConsume: () => Promise.resolve(),
  };
  const told = { reused: [] as StoredProvider['reused'], ended: [] as EndedSession[] };
  const records = new InterruptedRecords(stores, () => started.beforeConsume());
  const sessions = new InterruptedSessions(stores, (one) => started.afterSessionRead(one));
  const adapter = createAdapterFactory({
    ...{ records, sessions, findClient },
    audit: {
      // Two of these share a database, and no audit key.
      change: ({ make }) => db.transaction(async (trx) => (await make(trx)).result),
    },
    originNow: () => ORIGIN,
    onReuse: (model, payload) => Promise.resolve(void told.reused.push({ model, payload })),
    onSessionEnded: (session) => Promise.resolve(void told.ended.push(session)),
  });
  const bare = await startBareProvider(adapter, randomUUID());
  const started: StoredProvider = Object.assign(bare, { records, sessions, ...told, ...hooks });
  return started;
}

class InterruptedRecords extends PostgresRecordStore {
  readonly #beforeConsume: () => Promise<void>;

  constructor(
    options: ConstructorParameters<typeof PostgresRecordStore>[0],
    beforeConsume: () => Promise<void>,
  ) {
    super(options);
    this.#beforeConsume = beforeConsume;
  }

  override async consume(model: RecordModel, handle: string) {
    await this.#beforeConsume();
    return await super.consume(model, handle);
  }

  override async rotate(used: string, handle: string, payload: Payload, lifetimeSeconds: number) {
    await this.#beforeConsume();
    return await super.rotate(used, handle, payload, lifetimeSeconds);
  }
}

class InterruptedSessions extends PostgresSessionStore {
  readonly #afterRead: (session: SessionRecord) => Promise<void>;

  constructor(
    options: ConstructorParameters<typeof PostgresSessionStore>[0],
    afterRead: (session: SessionRecord) => Promise<void>,
  ) {
    super(options);
    this.#afterRead = afterRead;
  }

  override async findByHandle(handle: string) {
    const session = await super.findByHandle(handle);
    if (session) await this.#afterRead(session);
    return session;
  }
}
