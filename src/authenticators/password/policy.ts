/**
 * Which passwords a person may choose (NIST SP 800-63B §3.1.1.2: length, a blocklist, no rule of
 * renewal). Used where a password is set; signing in never asks the policy.
 */
import type { Settings } from '#config/settings.ts';

/** Why a password may not be chosen; also the message key `password.objection.<objection>`. */
export type PasswordObjection = 'too_short' | 'too_simple' | 'too_long' | 'common' | 'personal';

/** What a password may not contain; each as it is stored, absent when unknown. */
export interface PersonalData {
  readonly username?: string | undefined;
  readonly email?: string | undefined;
  /** E.164. */
  readonly phone?: string | undefined;
  /** 18-character 公民身份号码. */
  readonly idNumber?: string | undefined;
  /** `YYYY-MM-DD`. */
  readonly birthDate?: string | undefined;
}

export interface PasswordPolicyOptions {
  readonly settings: Pick<Settings['password'], 'minLength' | 'minLengthAnyClass' | 'maxLength'>;
  /** Lower-case; see common-passwords.ts. */
  readonly commonPasswords: ReadonlySet<string>;
}

const CHARACTER_CLASSES = [/\p{Ll}/u, /\p{Lu}/u, /\p{Nd}/u, /[^\p{Ll}\p{Lu}\p{Nd}]/u];
const REQUIRED_CLASSES = 3;
/** A shorter piece of personal data is found in passwords by chance. */
const MIN_FRAGMENT_LENGTH = 4;
const REPEATED = /^(.{1,4}?)\1+.{0,3}$/u;
const ROWS = ['0123456789', 'abcdefghijklmnopqrstuvwxyz', 'qwertyuiopasdfghjklzxcvbnm'];
const RUNS = ROWS.flatMap((row) => [row, Array.from(row).reverse().join('')]);

/** Everything that speaks against a password; an empty list accepts it. */
export function objectionsTo(
  password: string,
  person: PersonalData,
  { settings, commonPasswords }: PasswordPolicyOptions,
): PasswordObjection[] {
  const normal = password.normalize('NFC');
  const length = Array.from(normal).length;
  // No further look at what is never stored: the checks below are made for short texts.
  if (length > settings.maxLength) return ['too_long'];

  const objections: PasswordObjection[] = [];
  if (length < settings.minLength) objections.push('too_short');
  else if (length < settings.minLengthAnyClass && classesOf(normal) < REQUIRED_CLASSES) {
    objections.push('too_simple');
  }
  if (isPredictable(normal, commonPasswords)) objections.push('common');
  if (containsPersonalData(normal, person)) objections.push('personal');
  return objections;
}

function classesOf(password: string): number {
  return CHARACTER_CLASSES.filter((pattern) => pattern.test(password)).length;
}

/** Common, or common with signs around it, or one short piece repeated, or a run along a keyboard. */
function isPredictable(password: string, commonPasswords: ReadonlySet<string>): boolean {
  const whole = password.normalize('NFKC').toLowerCase();
  const core = whole.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, '');
  return [whole, core].some(
    (form) => commonPasswords.has(form) || REPEATED.test(form) || isRun(form),
  );
}

function isRun(text: string): boolean {
  if (text.length < MIN_FRAGMENT_LENGTH) return false;
  return RUNS.some((run) => run.repeat(Math.ceil(text.length / run.length) + 1).includes(text));
}

function containsPersonalData(password: string, person: PersonalData): boolean {
  const text = lettersAndDigits(password);
  return fragmentsOf(person)
    .map(lettersAndDigits)
    .some((fragment) => fragment.length >= MIN_FRAGMENT_LENGTH && text.includes(fragment));
}

/** The pieces of a person's data that people put into passwords. */
function fragmentsOf({ username, email, phone, idNumber, birthDate }: PersonalData): string[] {
  return [
    ...(username === undefined ? [] : [username]),
    ...(email === undefined ? [] : [email.slice(0, Math.max(0, email.lastIndexOf('@')))]),
    ...(phone === undefined ? [] : [phone.slice(-8)]),
    // The birth date of a number stands at 7–14; its last six are what people know by heart.
    ...(idNumber === undefined ? [] : [idNumber.slice(-6), idNumber.slice(8, 14)]),
    // Without the century: "900307" is in "19900307" too.
    ...(birthDate === undefined ? [] : [birthDate.slice(2)]),
  ];
}

/** One spelling for the comparison: `1990-03-07` and `１９９００３０７` are the same. */
function lettersAndDigits(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');
}
