/**
 * The one table of "where state lives" (DESIGN §3): which table holds which model of oidc-provider.
 * Durable is what must stay revoked or outlives minutes: it is in PostgreSQL whatever else runs. The
 * rest expires in minutes and may live in another store that passes test/support/store-contract.ts.
 */
import type { RecordModel } from './record-store.ts';

export interface Placement {
  readonly table:
    | 'grants'
    | 'refresh_tokens'
    | 'replay_marks'
    | 'session_sites'
    | 'sessions'
    | 'short_lived_records';
  readonly durable: boolean;
  /** Not found once the Grant that it names is revoked or expired. */
  readonly followsGrant: boolean;
}

/** Tables of plain records, found by their handle alone. */
export type RecordTable = 'grants' | 'refresh_tokens' | 'short_lived_records';

const shortLived = { table: 'short_lived_records', durable: false, followsGrant: true } as const;

export const MODEL_PLACEMENT = {
  AccessToken: shortLived,
  AuthorizationCode: shortLived,
  BackchannelAuthenticationRequest: shortLived,
  ClientCredentials: shortLived,
  DeviceCode: shortLived,
  Grant: { table: 'grants', durable: true, followsGrant: false },
  InitialAccessToken: shortLived,
  // A person is in the middle of it: whatever happens to Redis, the sign-in goes on, and one that is
  // finished does not come back. Changing the account ends the old session, and with it the Grant
  // that the interaction began with, before the interaction goes on: it must outlive that Grant.
  Interaction: { ...shortLived, durable: true, followsGrant: false },
  PushedAuthorizationRequest: shortLived,
  RefreshToken: { table: 'refresh_tokens', durable: true, followsGrant: true },
  RegistrationAccessToken: shortLived,
  ReplayDetection: { table: 'replay_marks', durable: false, followsGrant: false },
  Session: { table: 'sessions', durable: true, followsGrant: false },
} as const satisfies Record<RecordModel | 'ReplayDetection' | 'Session', Placement>;
