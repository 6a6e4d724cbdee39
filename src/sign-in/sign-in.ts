/**
 * The sign-in desk: every answer to every challenge comes through here. It finds the account, counts
 * the attempt before the answer is looked at, locks, audits, and says what was proven. Authenticators
 * only compare; routes/ only shows.
 */
import type { Accounts } from '#accounts/accounts.ts';
import type { AuditLog } from '#audit/audit-log.ts';
import type { NamedEvent } from '#audit/events.ts';
import type { Authenticator, RefusalReason, SignInAttempt } from '#authenticators/authenticator.ts';
import type { BlindIndex } from '#crypto/blind-index.ts';
import type { AddressLimits } from '#http/address-limits.ts';
import { parseAccountIdentifier } from '#lib/account-identifier.ts';
import type { Clock } from '#lib/clock.ts';
import { AppError } from '#lib/errors.ts';
import { fold } from '#lib/fold.ts';
import type { RequestOrigin } from '#lib/request-origin.ts';
import {
  absentSubject,
  accountSubject,
  UNKNOWN_DEVICE,
  type AttemptLedger,
  type Consequence,
  type Reservation,
} from './attempt-ledger.ts';
import type { Refusal } from './attempt-state.ts';
import type { KnownDevices } from './known-devices.ts';
import { acrOf, amrOf, levelProvenBy } from './levels.ts';

/** One submitted answer. */
export interface SignInForm {
  readonly interactionId: string;
  /** The site that the person is on the way to. */
  readonly clientId: string;
  /** As typed. */
  readonly account: string;
  /** Already parsed by the authenticator's schema. */
  readonly answer: unknown;
  /** The browser's identifier (http/browser.ts). */
  readonly browser: string;
  readonly origin: RequestOrigin;
}

export type SignInOutcome =
  | { ok: true; accountId: string; acr: string; amr: readonly string[] }
  | { ok: false; refusal: RefusalReason }
  | { ok: false; refusal: 'locked' | 'rate_limited' | 'busy'; retryAfterSeconds: number };

export interface SignInParts {
  readonly accounts: Accounts;
  readonly ledger: AttemptLedger;
  readonly devices: KnownDevices;
  readonly addresses: AddressLimits;
  readonly audit: AuditLog;
  readonly index: BlindIndex;
  readonly clock: Clock;
  /** For statistics: how each answer ended, without who gave it. */
  readonly onAnswered?: (method: string, outcome: SignInResult) => void;
}

/** `accepted`, or the refusal. */
export type SignInResult = 'accepted' | Extract<SignInOutcome, { ok: false }>['refusal'];

/** Who the attempt is counted against. */
interface Subject {
  readonly accountId: string | undefined;
  /** Account id, or a keyed hash of what was typed: an absent account locks like an existing one. */
  readonly key: string;
  /** The known device, or one bucket for all strangers. */
  readonly device: string;
}

/** A factor that is off is told like a long lock, so that it says nothing about the account. */
const DISABLED_RETRY_SECONDS = 3600;
const BUSY_RETRY_SECONDS = 1;

export class SignIn {
  readonly #parts: SignInParts;

  constructor(parts: SignInParts) {
    this.#parts = parts;
  }

  /** Judges one answer. Nothing it returns tells an absent account from a wrong answer. */
  async answer(method: Authenticator, form: SignInForm): Promise<SignInOutcome> {
    const outcome = await this.#judge(method, form);
    this.#parts.onAnswered?.(method.id, outcome.ok ? 'accepted' : outcome.refusal);
    return outcome;
  }

  async #judge(method: Authenticator, form: SignInForm): Promise<SignInOutcome> {
    const window = await this.#parts.addresses.take('sign_in', form.origin.address);
    if (!window.ok) {
      return { ok: false, refusal: 'rate_limited', retryAfterSeconds: window.retryAfterSeconds };
    }
    const subject = await this.#subjectOf(form);
    const key = { subject: subject.key, factor: method.id, device: subject.device };
    const reserved = await this.#parts.ledger.reserve(key);
    if (!reserved.ok) {
      const events = refusalEvents(method, subject, reserved.reason, reserved.consequence ?? {});
      await Promise.all(
        events.map(({ name, details }) => this.#parts.audit.record(name, details, form.origin)),
      );
      const retryAfterSeconds =
        reserved.reason === 'disabled' ? DISABLED_RETRY_SECONDS : reserved.retryAfterSeconds;
      return { ok: false, refusal: 'locked', retryAfterSeconds };
    }
    try {
      return await this.#compare(method, form, subject, reserved.reservation);
    } catch (error) {
      // Not looked at: the attempt counts neither way, and the person may come again at once.
      if (!(error instanceof AppError && error.code === 'server.busy')) throw error;
      return { ok: false, refusal: 'busy', retryAfterSeconds: BUSY_RETRY_SECONDS };
    }
  }

  async #compare(
    method: Authenticator,
    form: SignInForm,
    subject: Subject,
    reservation: Reservation,
  ): Promise<SignInOutcome> {
    const attempt: SignInAttempt = {
      interactionId: form.interactionId,
      accountId: subject.accountId,
      origin: form.origin,
    };
    let verification;
    try {
      verification = await method.verify(attempt, form.answer);
    } catch (error) {
      await this.#parts.ledger.release(reservation);
      throw error;
    }
    const account = verification.ok
      ? await this.#parts.accounts.find(verification.accountId)
      : undefined;
    // Locked, frozen, cancelled: the answer of a wrong password, after the same work (rule 4).
    if (!verification.ok || account?.status !== 'active') {
      const reason = verification.ok ? 'wrong_answer' : verification.reason;
      await this.#refuse(method, form, subject, { reservation, reason });
      return { ok: false, refusal: reason };
    }
    const proven = { acr: acrOf(levelProvenBy([method])), amr: amrOf([method]) };
    try {
      await this.#accept(form, account.id, { reservation, proven });
    } catch (error) {
      // The audit log or the database failed, not the person: nothing was counted, nothing is.
      await this.#parts.ledger.release(reservation).catch(() => undefined);
      throw error;
    }
    return { ok: true, accountId: account.id, ...proven };
  }

  /** That the answer was right, the device that it came from and the event: all or nothing. */
  async #accept(
    form: SignInForm,
    accountId: string,
    { reservation, proven }: { reservation: Reservation; proven: { acr: string; amr: string[] } },
  ): Promise<void> {
    const { audit, ledger, devices } = this.#parts;
    await audit.change({
      key: reservation.subject,
      origin: form.origin,
      make: async (transaction) => {
        await ledger.settle(reservation, 'right', transaction);
        await devices.remember(accountId, form.browser, transaction);
        const details = { accountId, clientId: form.clientId, ...proven };
        return { result: undefined, events: [{ name: 'authn_login_success', details }] };
      },
    });
  }

  async #subjectOf(form: SignInForm): Promise<Subject> {
    const { accounts, devices, index, clock } = this.#parts;
    const identifier = parseAccountIdentifier(form.account, clock);
    const accountId = identifier && (await accounts.findIdBy(identifier));
    const typed = identifier?.value ?? fold(form.account).slice(0, 128).toLowerCase();
    return {
      accountId,
      key: accountId === undefined ? absentSubject(typed, index) : accountSubject(accountId),
      device: await devices.bucketOf(accountId, form.browser),
    };
  }

  async #refuse(
    method: Authenticator,
    form: SignInForm,
    subject: Subject,
    refusal: { reservation: Reservation; reason: RefusalReason },
  ): Promise<void> {
    const { audit, ledger } = this.#parts;
    await audit.change({
      key: subject.key,
      origin: form.origin,
      make: async (transaction) => {
        const consequence = await ledger.settle(refusal.reservation, 'wrong', transaction);
        const events = refusalEvents(method, subject, refusal.reason, consequence);
        return { result: undefined, events };
      },
    });
  }
}

/** The refusal, and what it set off. */
function refusalEvents(
  method: Authenticator,
  { accountId, device: bucket }: Subject,
  reason: RefusalReason | Refusal['reason'],
  { lockedForSeconds, disabled }: Consequence,
): NamedEvent[] {
  const device = bucket === UNKNOWN_DEVICE ? ('unknown' as const) : ('known' as const);
  const details = { accountId, method: method.id };
  const events: NamedEvent[] = [{ name: 'authn_login_fail', details: { ...details, reason } }];
  if (lockedForSeconds !== undefined) {
    events.push({ name: 'authn_login_lock', details: { ...details, device, lockedForSeconds } });
  }
  if (disabled === true) {
    events.push({ name: 'authn_factor_disabled', details: { ...details, device } });
  }
  return events;
}
