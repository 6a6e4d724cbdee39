/**
 * Authentication levels: what one sign-in proved (DESIGN §6), as `acr` values in their order. A
 * token never carries more than was proven; a client's wish changes nothing, its demand asks for a
 * step-up or ends in `unmet_authentication_requirements`.
 */
import type { Authenticator } from '#authenticators/authenticator.ts';

/** Lowest first; the position plus one is the level. */
export const ACR_VALUES = [
  'urn:yirentong:aal:1',
  'urn:yirentong:aal:2',
  'urn:yirentong:aal:3',
] as const;

/** 0 means nothing was proven. */
export type Level = 0 | 1 | 2 | 3;

/** @returns 0 for an unknown or absent acr */
export function levelOf(acr: string | undefined): Level {
  return (ACR_VALUES.findIndex((value) => value === acr) + 1) as Level;
}

/** @throws RangeError for level 0, which no token may claim */
export function acrOf(level: Level): string {
  const acr = ACR_VALUES[level - 1];
  if (acr === undefined) throw new RangeError('no acr for level 0');
  return acr;
}

/** The level that one accepted answer proves: one factor is level 1 (DESIGN §6). */
export function levelProvenBy(methods: readonly Pick<Authenticator, 'factor'>[]): Level {
  const factors = new Set(methods.map((method) => method.factor));
  return Math.min(factors.size, 2) as Level;
}

/** `amr` of a sign-in (RFC 8176 §2): the methods used, and `mfa` when they are two factors. */
export function amrOf(methods: readonly Pick<Authenticator, 'amr' | 'factor'>[]): string[] {
  const values = new Set(methods.flatMap((method) => method.amr));
  if (levelProvenBy(methods) >= 2) values.add('mfa');
  return [...values];
}

/**
 * What a request demands: the client's minimum, or the least of the values of an essential `acr`
 * claim (OpenID Connect Core §5.5.1.1), whichever is higher. `acr_values` is only a wish.
 *
 * @param claims - the `claims` parameter as sent; it was checked to be JSON before
 * @returns 0 when nothing is demanded; 4 when only values are acceptable that we do not have
 */
export function demandedLevel(minAcr: string | undefined, claims: unknown): Level | 4 {
  const demand = essentialAcr(claims);
  const levels = demand?.map(levelOf).filter((level) => level > 0);
  const essential = levels === undefined ? 0 : levels.length === 0 ? 4 : Math.min(...levels);
  return Math.max(levelOf(minAcr), essential) as Level | 4;
}

function essentialAcr(claims: unknown): string[] | undefined {
  if (typeof claims !== 'string') return undefined;
  const parsed = JSON.parse(claims) as { id_token?: { acr?: unknown } | null };
  const acr = parsed.id_token?.acr as { essential?: unknown; value?: unknown; values?: unknown };
  if (typeof acr !== 'object' || (acr as unknown) === null || acr.essential !== true) {
    return undefined;
  }
  const values = Array.isArray(acr.values) ? (acr.values as unknown[]) : [acr.value];
  const texts = values.filter((value) => typeof value === 'string');
  return acr.values === undefined && acr.value === undefined ? undefined : texts;
}
