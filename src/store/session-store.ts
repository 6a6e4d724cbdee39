/**
 * The contract for single-sign-on sessions: durable, listable by account, ended for good.
 *
 * A session has a `uid` that never changes and a handle (the cookie's value) that is replaced at
 * every sign-in. The sites entered are kept one by one, so that parallel authorization requests of
 * one browser merge instead of overwriting each other.
 */
import type { Knex } from 'knex';
import type { RequestOrigin } from '#lib/request-origin.ts';
import type { Payload } from './record-store.ts';

/** One site entered in a session (oidc-provider's `authorizations[clientId]`). */
export interface SiteEntry {
  readonly sid?: string;
  readonly grantId?: string;
  readonly persistsLogout?: boolean;
}

/** oidc-provider's Session payload without `jti` and `authorizations`. */
export interface SessionRecord {
  readonly uid: string;
  readonly accountId?: string;
  /** The remaining fields (acr, amr, loginTs, state, exp…), stored sealed. */
  readonly payload: Payload;
  readonly sites: Readonly<Record<string, SiteEntry>>;
}

/** What the person sees of one of their sessions. */
export interface SessionSummary {
  readonly uid: string;
  readonly signedInAt: Date;
  readonly lastUsedAt: Date;
  readonly expiresAt: Date;
  readonly origin: Pick<RequestOrigin, 'address' | 'userAgent' | 'channel'>;
  readonly acr: string | undefined;
  /** client_id of every site entered. */
  readonly clientIds: readonly string[];
}

/** What ending a session leaves to do: tell these sites. */
export interface EndedSession {
  readonly uid: string;
  readonly accountId: string | undefined;
  readonly sites: Readonly<Record<string, SiteEntry>>;
}

/** A session as a request found it; `save` writes only what differs from it. */
export interface FoundSession {
  /** The handle it was found by; undefined when it was found by its uid. */
  readonly handle: string | undefined;
  readonly sites: Readonly<Record<string, SiteEntry>>;
}

export interface SaveSession {
  /**
   * The cookie's value from now on; an earlier handle of this uid stops working at once. Undefined
   * leaves it as it is (a session found by its uid).
   */
  readonly handle: string | undefined;
  readonly session: SessionRecord;
  /** Undefined for a session that this request began. A site found and now missing is removed. */
  readonly found: FoundSession | undefined;
  readonly lifetimeSeconds: number;
  /** Recorded at the first save that carries an account, and at each new sign-in (`loginTs`). */
  readonly origin: RequestOrigin | undefined;
  /**
   * Makes the write in a transaction with what belongs to it, and resolves once that is durable; on
   * its own when undefined. The write may be made again when a transaction was rolled back.
   */
  readonly commit?: (write: (db: Knex) => Promise<SaveOutcome>) => Promise<SaveOutcome>;
}

/**
 * `superseded`: a concurrent request replaced the handle (it signed in anew) since this one read the
 * session: only the sites were merged, handle and levels stay as the newer sign-in left them.
 * `ended`: the session was ended or expired meanwhile; nothing was stored.
 */
export type SaveOutcome = 'saved' | 'superseded' | 'ended';

export interface SessionStore {
  /**
   * Creates or updates. Sites are merged: entries added by a concurrent request stay. A session
   * that was ended is not revived.
   */
  save(change: SaveSession): Promise<SaveOutcome>;
  findByHandle(handle: string): Promise<SessionRecord | undefined>;
  findByUid(uid: string): Promise<SessionRecord | undefined>;
  /** Live sessions of an account, newest sign-in first. */
  listOf(accountId: string): Promise<readonly SessionSummary[]>;
  /**
   * Ends one session and revokes the grants of its sites, but those that persist; undefined when
   * there is none. Each ended session is returned exactly once, over all calls that end sessions.
   */
  end(uid: string): Promise<EndedSession | undefined>;
  /** Ends every session of an account (but one), revoking all their grants that do not persist. */
  endAllOf(accountId: string, exceptUid?: string): Promise<readonly EndedSession[]>;
  /** Ends an account's live sessions beyond `keep`, those of the oldest sign-in first. */
  endBeyond(accountId: string, keep: number): Promise<readonly EndedSession[]>;
  /**
   * Deletes at most `limit` sessions that ended or expired over an hour ago; returns how many. One
   * that merely expired leaves its grants alone: a site's refresh token may outlive an idle session.
   */
  sweep(limit: number): Promise<number>;
}
