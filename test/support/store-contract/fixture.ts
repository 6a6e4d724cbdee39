/** What the parts of the store contract share: the store under test and the ways to call it. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { RecordModel, RecordStore } from '#store/record-store.ts';
import type { MovableClock } from '../clocks.ts';

export interface RecordStoreUnderTest {
  /** The views of several processes on the same data. */
  readonly stores: readonly [RecordStore, ...RecordStore[]];
  readonly clock: MovableClock;
  /** Models whose expired records `sweep` has to delete. */
  readonly swept: readonly RecordModel[];
  /** Everything that the store keeps, as text. */
  dump(): Promise<string>;
  close(): Promise<void>;
}

export const MODELS: readonly RecordModel[] = [
  'AccessToken',
  'AuthorizationCode',
  'BackchannelAuthenticationRequest',
  'ClientCredentials',
  'DeviceCode',
  'Grant',
  'InitialAccessToken',
  'Interaction',
  'PushedAuthorizationRequest',
  'RefreshToken',
  'RegistrationAccessToken',
];

export const newHandle = () => randomBytes(32).toString('base64url');
export const count = <T>(values: readonly T[], value: T) =>
  values.filter((one) => one === value).length;

/** Runs `call` 50 times at once, spread over all processes. */
export async function burst<Store, T>(
  stores: readonly [Store, ...Store[]],
  call: (store: Store) => Promise<T>,
): Promise<T[]> {
  return await Promise.all(
    Array.from({ length: 50 }, (_, index) => call(stores[index % stores.length] ?? stores[0])),
  );
}

export async function putGrant(store: RecordStore, accountId = randomUUID(), clientId = 'site-a') {
  const grantId = newHandle();
  await store.put('Grant', grantId, { jti: grantId, kind: 'Grant', accountId, clientId }, 1000);
  return { grantId, accountId, clientId };
}
