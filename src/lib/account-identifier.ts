/** What a person types into the account field: a phone, an ID number or a user name. */
import type { Clock } from './clock.ts';
import { fold } from './fold.ts';
import { normalizePhone } from './phone-number.ts';
import { parseResidentId } from './resident-id.ts';
import { parseSocialCreditCode } from './social-credit-code.ts';

export interface AccountIdentifier {
  readonly kind: 'phone' | 'resident_id' | 'username';
  /** E.164 phone, 18-character number, or user name in lower case: the form that is looked up. */
  readonly value: string;
}

/** Longer than any spelling of a phone, a number or a user name. */
const MAX_INPUT_LENGTH = 128;
const USERNAME = /^[a-z][a-z0-9_.-]{3,31}$/;
// Passports, permits to enter the mainland, permanent residence cards of before 2023 (DESIGN §5).
const LIKE_A_DOCUMENT = /^(?:e[a-z0-9]\d{7}|[ghm]\d{8}|[a-z]{3}\d{12})$/;

/**
 * User name in the form that is stored and looked up: 4–32 characters, a letter first, then letters,
 * digits, `_`, `-`, `.`; case does not count. What looks like the number of a person's document or
 * of an organization is refused, so that nobody can sit on another's number.
 *
 * @returns undefined when it is no user name
 */
export function parseUsername(input: string): string | undefined {
  if (input.length > MAX_INPUT_LENGTH) return undefined;
  const username = fold(input).toLowerCase();
  if (!USERNAME.test(username) || LIKE_A_DOCUMENT.test(username)) return undefined;
  return parseSocialCreditCode(username).ok ? undefined : username;
}

/**
 * Reads the account field. A phone and an ID number win over a user name.
 *
 * @returns undefined when it can be no account's identifier; treat it as an unknown account
 */
export function parseAccountIdentifier(input: string, clock: Clock): AccountIdentifier | undefined {
  if (input.length > MAX_INPUT_LENGTH) return undefined;
  const phone = normalizePhone(input);
  if (phone !== undefined) return { kind: 'phone', value: phone };
  const residentId = parseResidentId(input, clock);
  if (residentId.ok) return { kind: 'resident_id', value: residentId.number };
  const username = parseUsername(input);
  return username === undefined ? undefined : { kind: 'username', value: username };
}
