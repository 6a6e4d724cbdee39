/**
 * Calendar days as the law counts them: in Beijing time (Asia/Shanghai, UTC+8 without daylight
 * saving since 1991), whatever zone the server runs in.
 */
import type { Clock } from './clock.ts';

const OFFSET_MILLISECONDS = 8 * 60 * 60 * 1000;
const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;

/** A calendar day as `YYYY-MM-DD`; such strings compare as the days do. */
export type CalendarDate = string;

/** Today's date in Beijing. */
export function todayInShanghai(clock: Clock): CalendarDate {
  return new Date(clock.now().getTime() + OFFSET_MILLISECONDS).toISOString().slice(0, 10);
}

/** Whether the day exists in the Gregorian calendar: 2023-02-29 does not. */
export function isCalendarDate(date: string): date is CalendarDate {
  if (!DATE.test(date)) return false;
  const parsed = new Date(`${date}T00:00:00Z`);
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(date);
}

/**
 * Completed years of life 周岁 today in Beijing. A year is complete on the birthday itself; who was
 * born on 29 February completes it on 1 March of a common year. Negative for a future birth date.
 *
 * @param birthDate - an existing day
 */
export function completedYears(birthDate: CalendarDate, clock: Clock): number {
  const today = todayInShanghai(clock);
  const years = Number(today.slice(0, 4)) - Number(birthDate.slice(0, 4));
  return today.slice(5) >= birthDate.slice(5) ? years : years - 1;
}
