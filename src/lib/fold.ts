/**
 * Folding of typed text to one spelling before any rule is applied, so that full-width digits, an
 * input method's spaces or a pasted zero-width character never make a second identity of one.
 */

// Default-ignorable characters: they are typed or pasted unseen and never belong to an identifier.
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/gu;

/**
 * One spelling of what a person typed: NFKC (UAX #15; full-width letters and digits become ASCII),
 * without invisible characters (zero-width, bidi controls, soft hyphen), without spaces at the ends.
 */
export function fold(input: string): string {
  return input.normalize('NFKC').replace(INVISIBLE, '').trim();
}

/** As {@link fold}, and without any space inside: for numbers, which people type in groups. */
export function foldNumber(input: string): string {
  return fold(input).replace(/\s+/gu, '');
}
