/** The rules of the attempt ledger that need no database: why is a bucket shut, and for how long? */
import type { Settings } from '#config/settings.ts';

/** A bucket as it is stored. */
export interface BucketState {
  /** Reservations under way, `<deadline in Unix milliseconds>.<random>`. */
  readonly pending: readonly string[];
  readonly wrongInRow: number;
  /** Times of the last wrong answers, at most `maxPerWindow`. */
  readonly recentWrong: readonly Date[];
  readonly lockedUntil: Date | null;
  readonly disabledAt: Date | null;
}

export interface Refusal {
  readonly reason: 'locked' | 'disabled';
  /** For the Retry-After header; for `disabled` no wait helps, it is then the longest lock. */
  readonly retryAfterSeconds: number;
}

/** Undefined when reservations under way are the only obstacle. */
export function refusalOf(
  { disabledAt, lockedUntil, recentWrong }: BucketState,
  now: Date,
  { maxPerWindow, windowSeconds, maxLockSeconds }: Settings['attempts'],
): Refusal | undefined {
  if (disabledAt) return { reason: 'disabled', retryAfterSeconds: maxLockSeconds };
  const inWindow = recentWrong
    .map((at) => Number(at) + windowSeconds * 1000)
    .filter((leaves) => leaves > Number(now))
    .sort((a, b) => a - b);
  const windowOpens = inWindow[inWindow.length - maxPerWindow] ?? 0;
  const opens = Math.max(windowOpens, Number(lockedUntil ?? 0));
  if (opens <= Number(now)) return undefined;
  return { reason: 'locked', retryAfterSeconds: Math.ceil((opens - Number(now)) / 1000) };
}

/** Reservations whose process died before it settled them. */
export function overdueReservations({ pending }: BucketState, now: Date) {
  return pending
    .map((token) => ({ token, deadline: new Date(Number(token.split('.', 1)[0])) }))
    .filter(({ deadline }) => deadline <= now);
}
