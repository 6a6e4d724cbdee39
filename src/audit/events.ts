/**
 * The catalogue of the audit log: every event, its fields and what they mean. Names follow the OWASP
 * Logging Vocabulary (authn_*, authz_*, session_*, …). A field is never a secret, a code, a token or
 * a personal value: account ids (random UUIDs) and client ids are what is known about who and where.
 * `accountId` and `clientId` get columns of their own, all other fields go to `details`.
 */
import type { RequestOrigin } from '#lib/request-origin.ts';

/** What a field may hold. Numbers are whole, so that the stored row hashes the same everywhere. */
export type AuditValue = string | number | boolean | readonly string[];
export type AuditDetails = Readonly<Record<string, AuditValue | undefined>>;

export interface AuditEvents {
  /** A sign-in finished and a session began or was renewed; `amr` as in RFC 8176, `acr` as issued. */
  authn_login_success: {
    accountId: string;
    clientId: string | undefined;
    amr: readonly string[];
    acr: string | undefined;
  };
  /**
   * An answer to a challenge was refused: wrong, replayed, expired, or uncompared because of a lock.
   * Without accountId the typed identifier leads to no account; it is never written down, because
   * people type passwords into the wrong field.
   */
  authn_login_fail: { accountId: string | undefined; method: string; reason: string };
  /** Too many wrong answers: every answer from this device bucket is refused for a while. */
  authn_login_lock: {
    accountId: string | undefined;
    method: string;
    device: 'known' | 'unknown';
    lockedForSeconds: number;
  };
  /** Wrong answers without end: the factor is off for this device bucket until it is bound anew. */
  authn_factor_disabled: {
    accountId: string | undefined;
    method: string;
    device: 'known' | 'unknown';
  };
  /** A code or refresh token was used a second time; its grant was revoked (RFC 9700 §4.14.2). */
  authn_token_reuse: {
    accountId: string | undefined;
    clientId: string;
    kind: 'authorization_code' | 'refresh_token';
  };

  /**
   * A single-sign-on session began, or a new sign-in renewed it. `sessionUid` is its permanent number,
   * not the cookie's value; `clientId` the site entered with it, if it was entered at once.
   */
  session_created: { accountId: string; sessionUid: string; clientId: string | undefined };
  /**
   * A site was entered without a new sign-in, for the first time in this session. Later visits to it
   * are not recorded: they prove nothing new, and the log would drown in them.
   */
  session_site_entered: { accountId: string; sessionUid: string; clientId: string };
  /** A single-sign-on session ended, and with it the grants of the sites entered. */
  session_ended: {
    accountId: string | undefined;
    sessionUid: string;
    reason:
      | 'signed_out'
      | 'ended_elsewhere'
      | 'too_many'
      | 'account_status'
      | 'other_account'
      | 'restored';
  };

  /** The person agreed to what a site asked for. */
  authz_consent_granted: {
    accountId: string;
    clientId: string;
    scopes: readonly string[];
    claims: readonly string[];
  };
  /** The person declined what a site asked for. */
  authz_consent_denied: { accountId: string; clientId: string };

  /** An account came into being. */
  account_created: { accountId: string; registeredBy: string };
  /**
   * Accounts came into being from an operator's file: one event for each portion that was stored at
   * once. Those that were refused or there already changed nothing.
   */
  accounts_imported: {
    importId: number;
    firstLine: number;
    lastLine: number;
    imported: number;
    present: number;
    refused: number;
  };
  /** An account was locked, frozen, cancelled, reopened…; DESIGN §4 has the states. */
  account_status_changed: { accountId: string; from: string; to: string; reason: string };

  /** A site was registered. */
  client_registered: { clientId: string };
  /** A site's registration was changed; `fields` are the names of the metadata, not their values. */
  client_changed: { clientId: string; fields: readonly string[] };

  /** A site acknowledged that a person signed out (OpenID Connect Back-Channel Logout 1.0 §2.8). */
  logout_notice_delivered: { accountId: string | undefined; clientId: string; attempts: number };
  /** A site did not acknowledge within the time for retries; its session may live on. */
  logout_notice_given_up: { accountId: string | undefined; clientId: string; attempts: number };

  /** The database was restored; every session and grant that the back-up held was ended. */
  sys_restored: { accounts: number; sessions: number };

  /** The next token-signing key was published or took over; the key ids are public (JWKS). */
  signing_keys_rotated: { currentKid: string; nextKid: string | undefined };
}

export type AuditEventName = keyof AuditEvents;

/**
 * Kept for three years instead of half a year: administration, mandates, consents (DESIGN §10). Rows
 * of a kind that joins later must be moved by a migration: `audit verify` wants them marked.
 */
export const LONG_LIVED_EVENTS: readonly AuditEventName[] = [
  ...(['authz_consent_granted', 'authz_consent_denied'] as const),
  ...(['account_created', 'accounts_imported', 'account_status_changed'] as const),
  ...(['client_registered', 'client_changed', 'signing_keys_rotated', 'sys_restored'] as const),
];

/** An event with the details that belong to its name. */
export type NamedEvent = {
  [Name in AuditEventName]: { readonly name: Name; readonly details: AuditEvents[Name] };
}[AuditEventName];

/** One event on its way to the chain. */
export interface AuditEvent {
  readonly name: AuditEventName;
  readonly details: AuditDetails;
  readonly origin: RequestOrigin;
}
