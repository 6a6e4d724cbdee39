/** Times and durations as people read them. */
import type { Locale } from './translate.ts';

const BEIJING = new Intl.DateTimeFormat('en-CA', {
  timeZone: 'Asia/Shanghai',
  hourCycle: 'h23',
  ...{ year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' },
});

/** Beijing time, 24 hours: `2026-11-23 14:05`. */
export function beijingTime(time: Date): string {
  const parts = new Map(BEIJING.formatToParts(time).map(({ type, value }) => [type, value]));
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? '';
  return `${part('year')}-${part('month')}-${part('day')} ${part('hour')}:${part('minute')}`;
}

/**
 * A wait, rounded up to seconds below 60 s, to minutes below 60 min, to hours above:
 * `30秒`, `2分钟`, `30 seconds`, `2 minutes`.
 */
export function duration(seconds: number, locale: Locale): string {
  const whole = Math.max(1, Math.ceil(seconds));
  if (whole < 60) return unit(whole, 'second', locale);
  if (whole < 3600) return unit(Math.ceil(whole / 60), 'minute', locale);
  return unit(Math.ceil(whole / 3600), 'hour', locale);
}

function unit(amount: number, name: 'second' | 'minute' | 'hour', locale: Locale): string {
  const unitDisplay = locale === 'en' ? 'long' : 'short';
  return new Intl.NumberFormat(locale, { style: 'unit', unit: name, unitDisplay }).format(amount);
}
