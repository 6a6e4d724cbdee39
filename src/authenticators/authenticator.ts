/**
 * What every way to sign in has in common. An authenticator is one folder that implements this
 * interface and one line in registry.ts; it answers only "is this proof right?". Counting, locking,
 * auditing, levels and pages are done once, in sign-in/ and routes/.
 */
import type { z } from 'zod';
import type { RequestOrigin } from '#lib/request-origin.ts';

/** Why an answer was refused; also the message key `refusal.<reason>`. */
export type RefusalReason = 'wrong_answer' | 'not_enrolled' | 'expired' | 'replayed';
export type Verification = { ok: true; accountId: string } | { ok: false; reason: RefusalReason };
export const accepted = (accountId: string): Verification => ({ ok: true, accountId });
export const refused = (reason: RefusalReason): Verification => ({ ok: false, reason });

/** What an authenticator learns about the sign-in that it serves. */
export interface SignInAttempt {
  /** The interaction's id; proofs are bound to it. */
  readonly interactionId: string;
  /** The account that the typed identifier leads to; undefined when there is none. */
  readonly accountId: string | undefined;
  readonly origin: RequestOrigin;
}

/** What the page shows beside the form (a QR code, a masked phone); nothing for a password. */
export type Challenge = Readonly<Record<string, string | number | boolean>>;

/** One way for a person to prove who they are. To add one, see docs/adding-an-authenticator.md. */
export interface Authenticator<Answer = unknown> {
  /** Also the view name (views/sign-in/<id>.eta), the settings section and the audit label. */
  readonly id: string;
  /** Values for the ID token's `amr` claim (RFC 8176 §2). */
  readonly amr: readonly string[];
  /** Independent factor this proves: NIST SP 800-63B's something known, had, or been. */
  readonly factor: 'knowledge' | 'possession' | 'inherence';
  /** Shape of the submitted form; checked before `verify` runs. */
  readonly answer: z.ZodType<Answer>;
  /** Starts a challenge: sends the SMS, draws the QR code. Returns what the page shows. */
  begin(attempt: SignInAttempt): Promise<Challenge>;
  /** Checks the answer. A wrong answer is a value, never an exception; absent accounts cost the same. */
  verify(attempt: SignInAttempt, answer: Answer): Promise<Verification>;
}
