import { expect } from 'chai';
import { HashPermits } from '#supervisor/hash-permits.ts';

describe('supervisor/hash-permits', () => {
  const lent: string[] = [];
  let permits: HashPermits<string>;

  beforeEach(() => {
    lent.length = 0;
    permits = new HashPermits(2, (holder) => lent.push(holder));
  });

  it('lends as many as there are, in the order of asking, to one worker too', () => {
    for (const holder of ['a', 'a', 'a', 'b']) permits.ask(holder);
    expect(lent).to.deep.equal(['a', 'a']);
    permits.giveBack('a');
    permits.giveBack('a');
    expect(lent).to.deep.equal(['a', 'a', 'a', 'b']);
  });

  it('takes back what a dead worker had and forgets what it waited for', () => {
    for (const holder of ['a', 'a', 'a', 'b']) permits.ask(holder);
    permits.forget('a');
    expect(lent).to.deep.equal(['a', 'a', 'b']);
  });

  it('gives nothing for a permit that nobody holds', () => {
    for (const holder of ['a', 'b', 'c']) permits.ask(holder);
    permits.giveBack('stranger');
    expect(lent).to.deep.equal(['a', 'b']);
  });
});
