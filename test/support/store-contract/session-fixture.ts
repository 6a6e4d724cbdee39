/** What the parts of the session store contract share. */
import { randomUUID } from 'node:crypto';
import type { RequestOrigin } from '#lib/request-origin.ts';
import type { RecordStore } from '#store/record-store.ts';
import type { SaveSession, SessionStore, SiteEntry } from '#store/session-store.ts';
import type { MovableClock } from '../clocks.ts';
import { newHandle } from './fixture.ts';

export interface SessionStoreUnderTest {
  /** The views of several processes on the same data. */
  readonly stores: readonly [SessionStore, ...SessionStore[]];
  /** Where the grants are that sessions revoke when they end. */
  readonly records: RecordStore;
  readonly clock: MovableClock;
  /** Everything that the store keeps, as text. */
  dump(): Promise<string>;
  close(): Promise<void>;
}

export const ORIGIN: RequestOrigin = {
  requestId: randomUUID(),
  address: '192.0.2.77',
  userAgent: 'Synthetic/1.0',
  channel: 'web',
};

/** A session as a test follows it; `change` makes the next save from what was found. */
export interface KnownSession {
  readonly uid: string;
  readonly accountId: string;
  readonly handle: string;
  readonly sites: Readonly<Record<string, SiteEntry>>;
  change(parts?: Partial<SaveSession> & { sites?: Record<string, SiteEntry> }): SaveSession;
}

export function knownSession(
  { uid, accountId, handle, sites }: Omit<KnownSession, 'change'>,
  payload: Readonly<Record<string, unknown>> = { loginTs: 1_790_000_000, acr: 'aal1' },
): KnownSession {
  return {
    ...{ uid, accountId, handle, sites },
    change: ({ sites: next = { ...sites }, ...parts } = {}) => ({
      handle,
      session: { uid, accountId, payload, sites: next },
      found: { handle, sites },
      lifetimeSeconds: 1800,
      origin: ORIGIN,
      ...parts,
    }),
  };
}

/** Saves a new session and gives it back as found. */
export async function saveNew(
  { stores }: SessionStoreUnderTest,
  parts: Partial<Omit<KnownSession, 'change'>> & { loginTs?: number } = {},
): Promise<KnownSession> {
  const { loginTs = 1_790_000_000, ...given } = parts;
  const session = knownSession(
    {
      uid: newHandle(),
      accountId: randomUUID(),
      handle: newHandle(),
      sites: {},
      ...given,
    },
    { loginTs, acr: 'aal1' },
  );
  await stores[0].save(session.change({ found: undefined }));
  return session;
}

/** A live grant and the site entry that names it. */
export async function siteWithGrant(
  { records }: SessionStoreUnderTest,
  parts: SiteEntry = {},
): Promise<SiteEntry & { grantId: string }> {
  const grantId = newHandle();
  await records.put('Grant', grantId, { jti: grantId }, 100_000);
  return { sid: newHandle(), grantId, ...parts };
}
