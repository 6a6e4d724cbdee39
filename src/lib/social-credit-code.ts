/** 统一社会信用代码 (GB 32100-2015): 1 authority, 1 kind, 6 region, 9 organization, 1 check. */
import { foldNumber } from './fold.ts';

export type SocialCreditCodeResult =
  | {
      readonly ok: true;
      /** 18 upper-case characters. */
      readonly code: string;
      readonly regionCode: string;
    }
  | { readonly ok: false; readonly reason: 'structure' | 'check_digit' };

// Without I, O, S, V, Z (GB 32100 table 2): they are too easily misread.
const ALPHABET = '0123456789ABCDEFGHJKLMNPQRTUWXY';
const STRUCTURE = /^[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}$/;
const WEIGHTS = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];

/**
 * Checks a typed code by its own rules only; whether it was issued, a register must say.
 *
 * @param input - as typed: full-width characters, spaces and lower-case letters are folded away
 */
export function parseSocialCreditCode(input: string): SocialCreditCodeResult {
  const code = foldNumber(input).toUpperCase();
  if (!STRUCTURE.test(code)) return { ok: false, reason: 'structure' };

  const sum = WEIGHTS.reduce(
    (total, weight, index) => total + weight * ALPHABET.indexOf(code.charAt(index)),
    0,
  );
  // 31 − (sum mod 31), where 31 stands for 0.
  const check = ALPHABET.charAt((31 - (sum % 31)) % 31);
  if (code[17] !== check) return { ok: false, reason: 'check_digit' };
  return { ok: true, code, regionCode: code.slice(2, 8) };
}
