/** Clocks that stand still, so that a test says which moment it speaks of. */
import type { Clock } from '#lib/clock.ts';

/** A clock that always shows the same moment; ISO 8601 with an offset, e.g. `…T00:00:00+08:00`. */
export function clockAt(moment: string): Clock {
  const date = new Date(moment);
  return { now: () => new Date(date), nowSeconds: () => Math.floor(date.getTime() / 1000) };
}

export interface MovableClock extends Clock {
  advance(seconds: number): void;
}

/** A clock that moves only when it is told to. */
export function movableClock(moment = '2027-01-15T08:00:00Z'): MovableClock {
  let milliseconds = Date.parse(moment);
  return {
    now: () => new Date(milliseconds),
    nowSeconds: () => Math.floor(milliseconds / 1000),
    advance: (seconds) => {
      milliseconds += seconds * 1000;
    },
  };
}
