import { expect } from 'chai';
import { hashOf } from '#store/handles.ts';
import { RecentChanges } from '#store/recent-changes.ts';

const hash = (name: string) => hashOf(name).toString('hex');

function recentFor(horizonSeconds: number) {
  let milliseconds = 0;
  const recent = new RecentChanges(horizonSeconds, () => milliseconds);
  return { recent, pass: (seconds: number) => void (milliseconds += seconds * 1000) };
}

describe('store/recent-changes', () => {
  it('knows nothing of what did not change', () => {
    const { recent } = recentFor(60);
    recent.add('client', 'site-a', 2);
    expect(recent.goodFrom('client', 'site-b')).to.equal(undefined);
    expect(recent.goodFrom('account', 'site-a')).to.equal(undefined);
  });

  it('keeps the later version, whichever comes first', () => {
    const { recent } = recentFor(60);
    expect(recent.add('session', hash('s'), 3)).to.equal(true);
    expect(recent.add('session', hash('s'), 2)).to.equal(false);
    expect(recent.goodFrom('session', hash('s'))).to.equal(3);
  });

  it('keeps what is gone gone', () => {
    const { recent } = recentFor(60);
    recent.add('grant', hash('g'), 'gone');
    expect(recent.add('grant', hash('g'), 9)).to.equal(false);
    expect(recent.goodFrom('grant', hash('g'))).to.equal('gone');
  });

  it('says whether a change is news', () => {
    const { recent } = recentFor(60);
    expect(recent.add('client', 'site-a', 2)).to.equal(true);
    expect(recent.add('client', 'site-a', 2)).to.equal(false);
    expect(recent.add('client', 'site-a', 3)).to.equal(true);
  });

  it('remembers for the whole horizon, and a later version over an earlier generation', () => {
    const { recent, pass } = recentFor(60);
    recent.add('grant', hash('g'), 'gone');
    recent.add('session', hash('s'), 1);
    for (let second = 0; second < 60; second += 1) {
      expect(recent.goodFrom('grant', hash('g'))).to.equal('gone');
      pass(1);
      recent.add('session', hash('s'), second);
    }
    expect(recent.goodFrom('session', hash('s'))).to.equal(59);
  });

  it('forgets what nobody can have a copy of any more', () => {
    const { recent, pass } = recentFor(60);
    for (let second = 0; second < 600; second += 1) {
      recent.add('grant', hash(`g${second}`), 'gone');
      pass(1);
    }
    expect(recent.size).to.be.within(60, 76);
  });
});
