import { expect } from 'chai';
import { ageGroup } from '#lib/age-group.ts';
import { clockAt } from '../../support/clocks.ts';

// 2026-08-23 begins in Beijing when it is still 16:00 of the day before in UTC.
const lastMoment = clockAt('2026-08-22T15:59:59Z');
const firstMoment = clockAt('2026-08-22T16:00:00Z');

describe('lib/age-group', () => {
  it('leaves "under 14" at midnight of the 14th birthday in Beijing', () => {
    expect(ageGroup('2012-08-23', lastMoment)).to.equal('lt14');
    expect(ageGroup('2012-08-23', firstMoment)).to.equal('14_17');
  });

  it('reaches "adult" at midnight of the 18th birthday in Beijing', () => {
    expect(ageGroup('2008-08-23', lastMoment)).to.equal('14_17');
    expect(ageGroup('2008-08-23', firstMoment)).to.equal('adult');
  });
});
