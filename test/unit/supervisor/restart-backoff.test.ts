import { expect } from 'chai';
import { RestartBackoff } from '#supervisor/restart-backoff.ts';

describe('supervisor/restart-backoff', () => {
  it('restarts after a quarter of a second, and doubles it with every crash of the last minute', () => {
    const backoff = new RestartBackoff();
    expect([0, 10, 20, 30].map((at) => backoff.afterCrash(at))).to.deep.equal([
      ...[250, 500, 1000, 2000],
    ]);
  });

  it('never waits longer than 30 s', () => {
    const backoff = new RestartBackoff();
    const delays = Array.from({ length: 100 }, (_, crash) => backoff.afterCrash(crash));
    expect(Math.max(...delays)).to.equal(30_000);
  });

  it('forgets a crash after a minute', () => {
    const backoff = new RestartBackoff();
    backoff.afterCrash(0);
    expect(backoff.afterCrash(60_000)).to.equal(250);
  });
});
