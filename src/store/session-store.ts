/**
 * The contract for single-sign-on sessions: durable, listable by account, ended for good.
 *
 * A session has a `uid` that never changes and a handle (the cookie's value) that is replaced at
 * every sign-in. The sites entered are kept one by one, so that parallel authorization requests of
 * one browser merge instead of overwriting each other.
 */
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

export interface SaveSession {
  /** The cookie's value from now on; an earlier handle of this uid stops working at once. */
  readonly handle: string;
  readonly session: SessionRecord;
  /** client_ids known when the session was read; one of them missing from `sites` is removed. */
  readonly sitesAtRead: readonly string[];
  readonly lifetimeSeconds: number;
  /** Recorded at the first save that carries an account, and at each new sign-in. */
  readonly origin: RequestOrigin | undefined;
}

export interface SessionStore {
  /**
   * Creates or updates. Sites are merged: entries added by a concurrent request stay. A session
   * that was ended is not revived: returns false and stores nothing.
   */
  save(change: SaveSession): Promise<boolean>;
  findByHandle(handle: string): Promise<SessionRecord | undefined>;
  findByUid(uid: string): Promise<SessionRecord | undefined>;
  /** Live sessions of an account, newest sign-in first. */
  listOf(accountId: string): Promise<readonly SessionSummary[]>;
  /** Ends one session and revokes the grants of its sites; undefined when there is none. */
  end(uid: string): Promise<EndedSession | undefined>;
  /** Ends every session of an account (but one), revoking all their grants. */
  endAllOf(accountId: string, exceptUid?: string): Promise<readonly EndedSession[]>;
}
