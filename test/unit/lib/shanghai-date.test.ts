import { expect } from 'chai';
import { completedYears, isCalendarDate, todayInShanghai } from '#lib/shanghai-date.ts';
import { clockAt } from '../../support/clocks.ts';

describe('lib/shanghai-date', () => {
  it('begins a day at midnight in Beijing, whatever the server’s zone', () => {
    expect(todayInShanghai(clockAt('2026-08-22T15:59:59Z'))).to.equal('2026-08-22');
    expect(todayInShanghai(clockAt('2026-08-22T16:00:00Z'))).to.equal('2026-08-23');
  });

  it('knows which days exist', () => {
    for (const date of ['2000-02-29', '2024-02-29', '1990-12-31']) {
      expect(isCalendarDate(date), date).to.be.true;
    }
    for (const date of ['1900-02-29', '2023-02-29', '2023-02-30', '2023-13-01', '2023-00-10', '']) {
      expect(isCalendarDate(date), date).to.be.false;
    }
  });

  it('completes a year of life on the birthday', () => {
    expect(completedYears('2008-08-23', clockAt('2026-08-22T12:00:00+08:00'))).to.equal(17);
    expect(completedYears('2008-08-23', clockAt('2026-08-23T00:00:00+08:00'))).to.equal(18);
  });

  it('completes the year of a 29 February on 1 March of a common year', () => {
    expect(completedYears('2008-02-29', clockAt('2026-02-28T12:00:00+08:00'))).to.equal(17);
    expect(completedYears('2008-02-29', clockAt('2026-03-01T12:00:00+08:00'))).to.equal(18);
  });
});
