/**
 * What the load knows: what the server acknowledged and must keep, what was used up and must not
 * work again, what was revoked and must stay dead. The invariants are judged against it.
 */
import type { CookieBrowser } from '../../support/cookie-browser.ts';
import type { SiteRequest } from '../../support/person.ts';
import type { FaultCitizen, SiteName } from '../cluster/service.ts';

/** What a site holds for one person. */
export interface Visit {
  readonly site: SiteName;
  readonly access: string;
  readonly idToken: string;
  /** Undefined once it is not known whether it was used up: its rotation was never answered. */
  refresh: string | undefined;
}

/** A browser that is signed in. Whoever takes it out of the journal uses it alone. */
export interface LiveSession {
  readonly browser: CookieBrowser;
  readonly citizen: FaultCitizen;
  readonly visits: Map<SiteName, Visit>;
}

/** A code or refresh token that may be used once. */
export type SingleUse = { readonly site: SiteName; readonly value: string } & (
  { readonly kind: 'code'; readonly request: SiteRequest } | { readonly kind: 'refresh_token' }
);

/** Something that worked once and was revoked. */
export type Revoked =
  | { readonly kind: 'session'; readonly browser: CookieBrowser }
  | { readonly kind: 'refresh_token'; readonly site: SiteName; readonly value: string }
  | { readonly kind: 'access_token'; readonly site: SiteName; readonly value: string };

/** The server asked for a new beginning where the load could have gone on. */
export type Loss = 'interaction' | 'code' | 'refresh_token' | 'access_token';

const REVOKED_WITHIN_MILLISECONDS = 1000;

export class Journal {
  /** What must never happen, in words. */
  readonly violations: string[] = [];
  readonly losses: Loss[] = [];
  /** Acknowledged sign-ins and sign-outs, by account. */
  readonly signIns = new Map<string, number>();
  readonly signOuts = new Map<string, number>();
  /** Sign-outs whose sites must hear of it: the `sid` claims. */
  readonly owedNotices: string[] = [];
  /** `account client` */
  readonly consents = new Set<string>();
  readonly spent: SingleUse[] = [];
  readonly #revoked: { readonly at: number; readonly what: Revoked }[] = [];
  readonly #sessions: LiveSession[] = [];

  get sessions(): readonly LiveSession[] {
    return this.#sessions;
  }

  /** Takes a session for the time of one operation. */
  take(random: { next(): number }): LiveSession | undefined {
    const index = Math.floor(random.next() * this.#sessions.length);
    const [session] = this.#sessions.splice(index, 1);
    return session;
  }

  keep(session: LiveSession): void {
    this.#sessions.push(session);
  }

  count(counts: Map<string, number>, { accountId }: FaultCitizen): void {
    counts.set(accountId, (counts.get(accountId) ?? 0) + 1);
  }

  /** Acknowledged just now; every node knows it a second later. */
  revoke(...what: Revoked[]): void {
    const at = performance.now() + REVOKED_WITHIN_MILLISECONDS;
    this.#revoked.push(...what.map((one) => ({ at, what: one })));
  }

  /** What every node must refuse by now. */
  get revoked(): Revoked[] {
    const now = performance.now();
    return this.#revoked.filter(({ at }) => at <= now).map(({ what }) => what);
  }
}
