/** Mobile numbers of mainland China in one spelling, so that limits and indexes see one phone. */
import { foldNumber } from './fold.ts';

const SEPARATORS = /[-\u2010-\u2015\u2212()]/gu;
const MOBILE = /^(?:\+86|0086|86)?(1[3-9]\d{9})$/;

/**
 * E.164 spelling (`+8613800138000`) of a typed mobile number.
 *
 * @param input - with or without country code (`+86`, `0086`, `86`), spaces, hyphens, brackets,
 *   full-width or invisible characters
 * @returns undefined when it is no mobile number of mainland China
 */
export function normalizePhone(input: string): string | undefined {
  const national = MOBILE.exec(foldNumber(input).replace(SEPARATORS, ''))?.[1];
  return national === undefined ? undefined : `+86${national}`;
}
