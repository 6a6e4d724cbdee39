/**
 * The contract of every store that holds the protocol's state, whatever database is behind it.
 * test/support/store-contract.ts is its executable form; a store that passes it may be plugged in.
 *
 * Handles (codes, tokens, cookie values) reach a store in clear and are kept only as SHA-256;
 * payloads are sealed and do not contain the handle (but for records that are also found by user
 * code, which must give it back). Expiry is exact: from the second a record expires, `find`
 * returns undefined, whether or not a sweeper has run.
 */
import type { Knex } from 'knex';

/** Models of oidc-provider that are plain records; sessions and clients have stores of their own. */
export type RecordModel =
  | 'AccessToken'
  | 'AuthorizationCode'
  | 'BackchannelAuthenticationRequest'
  | 'ClientCredentials'
  | 'DeviceCode'
  | 'Grant'
  | 'InitialAccessToken'
  | 'Interaction'
  | 'PushedAuthorizationRequest'
  | 'RefreshToken'
  | 'RegistrationAccessToken';

/** JSON object; `grantId`, `accountId`, `clientId` and `userCode`, when present, are indexed. */
export type Payload = Readonly<Record<string, unknown>>;
/** A payload as it was put, with `consumed` (Unix seconds) once it was used. */
export type StoredPayload = Payload & { readonly consumed?: number };

/** A record, and the Grant that it follows. */
export interface FoundRecord {
  readonly payload: StoredPayload;
  readonly grant?: StoredPayload;
}

/** `used`: this call used the record. `already_used`, `absent`: it was used, or is gone or expired. */
export type ConsumeOutcome = 'used' | 'already_used' | 'absent';

/** Makes a write, in a transaction when other writes belong to it, and resolves once it is durable. */
export type Commit = <Result>(write: (db: Knex) => Promise<Result>) => Promise<Result>;

export interface GrantChoice {
  /** Only the grants at this client. */
  readonly clientId?: string;
  readonly exceptGrantIds?: readonly string[];
}

export interface RecordStore {
  /**
   * Creates or replaces a record that lives `lifetimeSeconds` (≥ 1) from now. A late put brings
   * nothing back: a used record stays used, and over a revoked Grant nothing is written.
   */
  put(model: RecordModel, handle: string, payload: Payload, lifetimeSeconds: number): Promise<void>;
  /** As `put` of the model Grant, as part of a larger commit. */
  putGrant(
    grantId: string,
    payload: Payload,
    lifetimeSeconds: number,
    commit: Commit,
  ): Promise<unknown>;
  /**
   * Reads a live record. A record with a `grantId` whose Grant was revoked or expired is not
   * found: the grant is the switch. (Model `Grant` itself: found while it lives. An Interaction
   * outlives the Grant that it began with: model-placement.ts.)
   */
  find(model: RecordModel, handle: string): Promise<StoredPayload | undefined>;
  /** As `find`, with the Grant that was looked at anyway: who reads a token asks for it next. */
  findWithGrant(model: RecordModel, handle: string): Promise<FoundRecord | undefined>;
  findByUserCode(model: RecordModel, userCode: string): Promise<StoredPayload | undefined>;
  /**
   * Uses a record up, atomically: of n concurrent calls exactly one gets `used`.
   *
   * @param found - the record as this request has just read it, to save reading it again
   */
  consume(model: RecordModel, handle: string, found?: StoredPayload): Promise<ConsumeOutcome>;
  /**
   * Uses a refresh token up and puts the next one, both or neither; the next one is stored only
   * when the outcome is `used`.
   */
  rotate(
    usedHandle: string,
    handle: string,
    payload: Payload,
    lifetimeSeconds: number,
  ): Promise<ConsumeOutcome>;
  remove(model: RecordModel, handle: string): Promise<void>;
  /**
   * Removes the Grant; from then on every record that names it is not found. Idempotent: of n
   * concurrent calls exactly one returns true, so that one revocation is told once.
   */
  revokeGrant(grantId: string): Promise<boolean>;
  /** Revokes the live grants of an account, all or those chosen; returns how many. */
  revokeGrantsOf(accountId: string, chosen?: GrantChoice): Promise<number>;
  /**
   * Replay mark: true exactly once per (scope, value) until `expiresAt` (Unix seconds) has passed,
   * however many calls race (RFC 7523 §3 `jti`, RFC 9449 §11.1); false when it has passed already.
   */
  useOnce(scope: string, value: string, expiresAt: number): Promise<boolean>;
  /** Deletes what has expired, at most `limit` rows a table; returns how many. */
  sweep(limit: number): Promise<number>;
}
