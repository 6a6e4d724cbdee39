import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { Breaker, RedisUnavailable } from '#store/redis/breaker.ts';

describe('store/redis/breaker', () => {
  const fails = () => Promise.reject(new Error('synthetic'));
  const open: Breaker[] = [];
  afterEach(() => {
    for (const breaker of open.splice(0)) breaker.close();
  });

  function aBreaker(ping: () => Promise<unknown> = fails) {
    const changes: boolean[] = [];
    const time = { now: 0 };
    const breaker = new Breaker({
      ...{ ping, timeoutMilliseconds: 30, probeMilliseconds: 10, failuresToOpen: 3 },
      now: () => time.now,
      onChange: (isOpen) => void changes.push(isOpen),
    });
    open.push(breaker);
    return { breaker, changes, time };
  }

  const outcomeOf = (work: Promise<unknown>) => work.catch((error: unknown) => error);

  it('asks no more after three failures', async () => {
    const { breaker, changes } = aBreaker();
    for (let times = 0; times < 3; times += 1) {
      expect(await outcomeOf(breaker.run(fails))).to.be.instanceOf(RedisUnavailable);
    }
    let wasAsked = false;
    const ask = () => Promise.resolve((wasAsked = true));
    expect(await outcomeOf(breaker.run(ask))).to.be.instanceOf(RedisUnavailable);
    expect(wasAsked).to.equal(false);
    expect(changes).to.deep.equal([true]);
  });

  it('asks no more after three failures within a second, whatever succeeds in between', async () => {
    const { breaker } = aBreaker();
    for (let times = 0; times < 3; times += 1) {
      expect(breaker.isOpen).to.equal(false);
      expect(await breaker.run(() => Promise.resolve('good'))).to.equal('good');
      await outcomeOf(breaker.run(fails));
    }
    expect(breaker.isOpen).to.equal(true);
  });

  it('forgets failures after a second', async () => {
    const { breaker, time } = aBreaker();
    for (let times = 0; times < 5; times += 1) {
      await outcomeOf(breaker.run(fails));
      await outcomeOf(breaker.run(fails));
      time.now += 1001;
    }
    expect(breaker.isOpen).to.equal(false);
  });

  it('gives up what takes too long', async () => {
    const { breaker } = aBreaker();
    const never = () => new Promise<never>(() => undefined);
    expect(await outcomeOf(breaker.run(never))).to.be.instanceOf(RedisUnavailable);
  });

  it('takes an answer that came while the process was busy', async () => {
    const { breaker } = aBreaker();
    const answer = breaker.run(() => new Promise((resolve) => setImmediate(resolve, 'late')));
    const busyUntil = performance.now() + 60;
    while (performance.now() < busyUntil);
    expect(await answer).to.equal('late');
  });

  it('asks again when a ping in the background is answered', async () => {
    let isBack = false;
    const { breaker, changes } = aBreaker(() => (isBack ? Promise.resolve('PONG') : fails()));
    breaker.open(new Error('synthetic'));
    await wait(50);
    expect(breaker.isOpen).to.equal(true);
    isBack = true;
    for (let tries = 0; breaker.isOpen && tries < 100; tries += 1) await wait(10);
    expect(await breaker.run(() => Promise.resolve('good'))).to.equal('good');
    expect(changes).to.deep.equal([true, false]);
  });
});
