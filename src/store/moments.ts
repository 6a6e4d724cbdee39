/**
 * Times of stored records: whole seconds of the application's clock. One clock for all of them, and
 * it is not the database's: oidc-provider checks `exp` in the same payloads against the clock of its
 * process, and tests set it. Nodes must run NTP; what their clocks differ by, a record may live.
 */
import type { Clock } from '#lib/clock.ts';

/** The present second, as a column's value. */
export const currentSecond = (clock: Clock): Date => fromUnix(clock.nowSeconds());

/** Unix seconds as a column's value. */
export const fromUnix = (seconds: number): Date => new Date(seconds * 1000);

/** A column's value as Unix seconds. */
export const toUnix = (moment: Date): number => Math.floor(moment.getTime() / 1000);

export const secondsAfter = (moment: Date, seconds: number): Date =>
  new Date(moment.getTime() + seconds * 1000);
