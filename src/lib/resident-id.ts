/**
 * 公民身份号码 (GB 11643-1999): 6 digits region, 8 birth date, 3 sequence (odd = male), 1 check.
 * Residence permits of Hong Kong, Macao and Taiwan residents (prefixes 81, 82, 83) obey it too.
 */
import type { Clock } from './clock.ts';
import { foldNumber } from './fold.ts';
import { completedYears, isCalendarDate, todayInShanghai } from './shanghai-date.ts';
import type { CalendarDate } from './shanghai-date.ts';

export type ResidentIdRefusal =
  | 'structure'
  /** A 15-digit number of before 1999: real once, no longer accepted as a proof. */
  | 'fifteen_digits'
  | 'region'
  | 'birth_date'
  | 'future_birth_date'
  | 'too_old'
  | 'check_digit';

export interface ResidentId {
  readonly ok: true;
  /** 18 characters, the check character upper-case. */
  readonly number: string;
  readonly birthDate: CalendarDate;
  readonly sex: 'male' | 'female';
  /** GB/T 2260 county code of the first registration; may be one that is historic today. */
  readonly regionCode: string;
}

export type ResidentIdResult =
  ResidentId | { readonly ok: false; readonly reason: ResidentIdRefusal };

const PROVINCES = new Set([
  ...['11', '12', '13', '14', '15', '21', '22', '23', '31', '32', '33', '34', '35', '36', '37'],
  ...['41', '42', '43', '44', '45', '46', '50', '51', '52', '53', '54', '61', '62', '63', '64'],
  ...['65', '71', '81', '82', '83'],
]);
const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
/** Indexed by the weighted sum mod 11 (ISO/IEC 7064 MOD 11-2). */
const CHECK_CHARACTERS = '10X98765432';
const MAX_AGE_YEARS = 130;

/** The 18th character for the first 17 digits. */
function checkCharacter(digits: string): string {
  const sum = WEIGHTS.reduce((total, weight, index) => total + weight * Number(digits[index]), 0);
  return CHECK_CHARACTERS.charAt(sum % 11);
}

/**
 * Checks a typed number by its own rules only; whether it was issued, a register must say.
 *
 * @param input - as typed: full-width characters, spaces and a lower-case `x` are folded away
 */
export function parseResidentId(input: string, clock: Clock): ResidentIdResult {
  const number = foldNumber(input).toUpperCase();
  if (/^\d{15}$/.test(number)) return { ok: false, reason: 'fifteen_digits' };
  if (!/^\d{17}[\dX]$/.test(number)) return { ok: false, reason: 'structure' };

  const birthDate = `${number.slice(6, 10)}-${number.slice(10, 12)}-${number.slice(12, 14)}`;
  const reason = refusalOf(number, birthDate, clock);
  if (reason) return { ok: false, reason };
  return {
    ok: true,
    number,
    birthDate,
    sex: Number(number[16]) % 2 === 1 ? 'male' : 'female',
    regionCode: number.slice(0, 6),
  };
}

function refusalOf(number: string, birthDate: string, clock: Clock): ResidentIdRefusal | undefined {
  if (!PROVINCES.has(number.slice(0, 2))) return 'region';
  if (!isCalendarDate(birthDate)) return 'birth_date';
  if (birthDate > todayInShanghai(clock)) return 'future_birth_date';
  if (completedYears(birthDate, clock) > MAX_AGE_YEARS) return 'too_old';
  return number[17] === checkCharacter(number) ? undefined : 'check_digit';
}

/**
 * The 18-digit form of a 15-digit number, for migrated records only: `19` after position 6, then
 * the check character. The result still has to pass {@link parseResidentId}.
 *
 * @returns undefined when the input does not have 15 digits
 */
export function upgradeFifteenDigits(input: string): string | undefined {
  const digits = foldNumber(input);
  if (!/^\d{15}$/.test(digits)) return undefined;
  const seventeen = `${digits.slice(0, 6)}19${digits.slice(6)}`;
  return seventeen + checkCharacter(seventeen);
}
