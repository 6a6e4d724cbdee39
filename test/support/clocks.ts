/** Clocks that stand still, so that a test says which moment it speaks of. */
import type { Clock } from '#lib/clock.ts';

/** A clock that always shows the same moment; ISO 8601 with an offset, e.g. `…T00:00:00+08:00`. */
export function clockAt(moment: string): Clock {
  const date = new Date(moment);
  return { now: () => new Date(date), nowSeconds: () => Math.floor(date.getTime() / 1000) };
}

/** A clock that is moved by hand. */
export interface MovableClock extends Clock {
  readonly forward: (seconds: number) => void;
}

/** Starts at a fixed moment. */
export function aMovableClock(moment = '2027-03-01T08:00:00Z'): MovableClock {
  let now = Number(new Date(moment));
  return {
    now: () => new Date(now),
    nowSeconds: () => Math.floor(now / 1000),
    forward: (seconds) => {
      now += seconds * 1000;
    },
  };
}
