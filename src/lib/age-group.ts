/** The age groups of the law on minors' personal information; the claim `age_group`. */
import type { Clock } from './clock.ts';
import { completedYears } from './shanghai-date.ts';
import type { CalendarDate } from './shanghai-date.ts';

/** `lt14`: under 14, a guardian decides; `14_17`: minor; `adult`: 18 and older. */
export type AgeGroup = 'lt14' | '14_17' | 'adult';

/** Age group today in Beijing, by completed years of life. */
export function ageGroup(birthDate: CalendarDate, clock: Clock): AgeGroup {
  const years = completedYears(birthDate, clock);
  if (years < 14) return 'lt14';
  return years < 18 ? '14_17' : 'adult';
}
