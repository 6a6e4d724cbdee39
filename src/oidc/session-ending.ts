/**
 * Ends single-sign-on sessions for every reason but the library's own logout: from the list in the
 * 个人中心, by a change of the account's status, because there are too many. One way for all: grants
 * revoked, sites told through the outbox, the event audited.
 */
import type { AuditLog } from '#audit/audit-log.ts';
import type { AuditEvents } from '#audit/events.ts';
import type { Outbox } from '#jobs/outbox.ts';
import type { RequestOrigin } from '#lib/request-origin.ts';
import type { RecordStore } from '#store/record-store.ts';
import type { EndedSession, SessionStore } from '#store/session-store.ts';
import { enqueueLogoutNotices, type LogoutClients } from './backchannel-logout.ts';

export type EndReason = AuditEvents['session_ended']['reason'];

export interface SessionEndingParts {
  readonly sessions: SessionStore;
  readonly records: RecordStore;
  readonly outbox: Outbox;
  /** Asked when a session ends: the provider of the moment. */
  readonly clients: () => LogoutClients;
  readonly audit: AuditLog;
}

export class SessionEnding {
  readonly #parts: SessionEndingParts;

  constructor(parts: SessionEndingParts) {
    this.#parts = parts;
  }

  /** @returns false when the session had ended before */
  async end(uid: string, reason: EndReason, origin: RequestOrigin): Promise<boolean> {
    const ended = await this.#parts.sessions.end(uid);
    if (ended) await this.#follow([ended], reason, origin);
    return ended !== undefined;
  }

  /** Ends every session of an account, but the one of the person who asks for it; returns how many. */
  async endAllOf(
    accountId: string,
    reason: EndReason,
    origin: RequestOrigin,
    exceptUid?: string,
  ): Promise<number> {
    const ended = await this.#parts.sessions.endAllOf(accountId, exceptUid);
    // Refresh tokens outlive idle sessions; a person who ends the others means those as well.
    const exceptGrantIds = await this.#grantsOf(exceptUid);
    await this.#parts.records.revokeGrantsOf(accountId, { exceptGrantIds });
    await this.#follow(ended, reason, origin);
    return ended.length;
  }

  async #grantsOf(uid: string | undefined): Promise<readonly string[]> {
    const session = uid === undefined ? undefined : await this.#parts.sessions.findByUid(uid);
    const ids = Object.values(session?.sites ?? {}).map(({ grantId }) => grantId);
    return ids.filter((id) => id !== undefined);
  }

  /** Ends the oldest sessions of an account beyond `keep`. */
  async endBeyond(accountId: string, keep: number, origin: RequestOrigin): Promise<void> {
    await this.#follow(await this.#parts.sessions.endBeyond(accountId, keep), 'too_many', origin);
  }

  async #follow(
    ended: readonly EndedSession[],
    reason: EndReason,
    origin: RequestOrigin,
  ): Promise<void> {
    const { outbox, audit, clients } = this.#parts;
    // All notices first: no second call would find the sessions that are ended already.
    for (const session of ended) {
      await enqueueLogoutNotices(outbox, session, { clients: clients() });
    }
    for (const session of ended) {
      const { accountId, uid: sessionUid } = session;
      await audit.record('session_ended', { accountId, sessionUid, reason }, origin);
    }
  }
}
