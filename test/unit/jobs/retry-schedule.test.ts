import { expect } from 'chai';
import { nextDelaySeconds } from '#jobs/retry-schedule.ts';

const settings = { firstRetrySeconds: 1, maxRetrySeconds: 3600, giveUpSeconds: 86400 };
const MIDDLE = 0.5;

describe('jobs/retry-schedule', () => {
  it('doubles the wait from the first one to the longest one', () => {
    const waits = [1, 2, 3, 12, 13, 500].map((n) => nextDelaySeconds(settings, n, 10, MIDDLE));
    expect(waits).to.deep.equal([1, 2, 4, 2048, 3600, 3600]);
  });

  it('varies the wait by a fifth', () => {
    expect(nextDelaySeconds(settings, 4, 10, 0)).to.be.closeTo(6.4, 0.001);
    expect(nextDelaySeconds(settings, 4, 10, 0.999999)).to.be.closeTo(9.6, 0.001);
  });

  it('makes the last attempt at the give-up age and none after it', () => {
    expect(nextDelaySeconds(settings, 30, 86000, MIDDLE)).to.equal(400);
    expect(nextDelaySeconds(settings, 30, 86400, MIDDLE)).to.equal(undefined);
  });
});
