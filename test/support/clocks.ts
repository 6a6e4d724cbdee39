/** Clocks that stand still, so that a test says which moment it speaks of. */
import { systemClock, type Clock } from '#lib/clock.ts';

/** A clock that always shows the same moment; ISO 8601 with an offset, e.g. `…T00:00:00+08:00`. */
export function clockAt(moment: string): Clock {
  const date = new Date(moment);
  return { now: () => new Date(date), nowSeconds: () => Math.floor(date.getTime() / 1000) };
}

export interface MovableClock extends Clock {
  readonly advance: (seconds: number) => void;
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

/**
 * The system's time, and what was added to it: for a whole server, whose protocol library cannot be
 * given a clock. What our stores think is past moves; what the library reads itself does not.
 */
export function offsetClock(): MovableClock {
  let offset = 0;
  const now = () => new Date(systemClock.now().getTime() + offset);
  return {
    now,
    nowSeconds: () => Math.floor(now().getTime() / 1000),
    advance: (seconds) => {
      offset += seconds * 1000;
    },
  };
}
