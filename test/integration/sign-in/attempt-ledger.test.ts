import { expect } from 'chai';
import { BlindIndex } from '#crypto/blind-index.ts';
import { createEphemeralKeyRing } from '#crypto/key-ring.ts';
import { absentSubject, accountSubject } from '#sign-in/attempt-ledger.ts';
import { aBucket, aLedger, answerTo, mustReserve, type Answer } from '../../support/attempts.ts';
import { describeOnEachDatabase, describeOnPostgresql } from '../../support/databases.ts';

const compared = (answers: readonly Answer[]) => answers.filter((answer) => answer.compared).length;
const locks = (answers: readonly Answer[]) =>
  answers.filter((answer) => answer.lockedForSeconds !== undefined).length;

describeOnEachDatabase('sign-in/attempt-ledger', (current) => {
  it('A-01: of 100 wrong answers at once compares five, and tells of one lock', async () => {
    const { answer } = aLedger(current().db);
    const bucket = aBucket();
    const answers = await Promise.all(Array.from({ length: 100 }, () => answer(bucket, 'wrong')));
    expect(compared(answers)).to.equal(5);
    expect(locks(answers)).to.equal(1);
    expect(await answer(bucket, 'right')).to.include({ compared: false, reason: 'locked' });
  });

  it('A-02: lets a burst of ten right answers through, all of them', async () => {
    const { answer } = aLedger(current().db);
    const bucket = aBucket();
    const answers = await Promise.all(Array.from({ length: 10 }, () => answer(bucket, 'right')));
    expect(compared(answers)).to.equal(10);
    expect(locks(answers)).to.equal(0);
  });

  it('A-02: also after four wrong answers, when only one may be tried at a time', async () => {
    const { answer, wrong, clock } = aLedger(current().db);
    const bucket = aBucket();
    await wrong(bucket, 4);
    clock.advance(60);
    const answers = await Promise.all(Array.from({ length: 10 }, () => answer(bucket, 'right')));
    expect(compared(answers)).to.equal(10);
  });

  it('A-03: keeps a known device apart from the wrong answers of others', async () => {
    const { answer, wrong } = aLedger(current().db);
    const elsewhere = aBucket();
    expect(await wrong(elsewhere, 5)).to.have.property('lockedForSeconds');
    const known = { ...elsewhere, device: 'a-known-device' };
    expect(await answer(known, 'right')).to.deep.equal({ compared: true });
    expect(await answer(elsewhere, 'right')).to.include({ compared: false });
  });

  it('counts factors and subjects apart', async () => {
    const { answer, wrong } = aLedger(current().db);
    const bucket = aBucket();
    await wrong(bucket, 5);
    expect(await answer({ ...bucket, factor: 'totp' }, 'right')).to.include({ compared: true });
    expect(await answer(aBucket(), 'right')).to.include({ compared: true });
  });

  it('compares at most five wrong answers in 60 s, even with right ones between them', async () => {
    const { answer, wrong, clock } = aLedger(current().db);
    const bucket = aBucket();
    await wrong(bucket, 3);
    await answer(bucket, 'right');
    clock.advance(20);
    await wrong(bucket, 2);
    expect(await answer(bucket, 'wrong')).to.deep.equal({
      ...{ compared: false, reason: 'locked', retryAfterSeconds: 40 },
    });
    clock.advance(40);
    expect(await answer(bucket, 'wrong')).to.include({ compared: true });
  });

  it('locks for 30 s after five in a row, whatever the time between them', async () => {
    const { answer, wrong, clock } = aLedger(current().db);
    const bucket = aBucket();
    for (let i = 0; i < 4; i++) {
      await wrong(bucket, 1);
      clock.advance(3600);
    }
    expect(await wrong(bucket, 1)).to.include({ lockedForSeconds: 30 });
    clock.advance(29);
    expect(await answer(bucket, 'right')).to.deep.include({
      compared: false,
      retryAfterSeconds: 1,
    });
    clock.advance(1);
    expect(await answer(bucket, 'right')).to.deep.equal({ compared: true });
  });

  it('never ends a lock before the window has room: five at once are locked for 60 s', async () => {
    const { answer, wrong, clock } = aLedger(current().db);
    const bucket = aBucket();
    expect(await wrong(bucket, 5)).to.include({ lockedForSeconds: 60 });
    clock.advance(59);
    expect(await answer(bucket, 'right')).to.include({ compared: false, retryAfterSeconds: 1 });
    clock.advance(1);
    expect(await answer(bucket, 'right')).to.include({ compared: true });
  });

  it('doubles the lock with every further wrong answer, up to an hour', async () => {
    const { wrong, clock } = aLedger(current().db, { windowSeconds: 1 });
    const bucket = aBucket();
    const lengths: (number | undefined)[] = [(await wrong(bucket, 5)).lockedForSeconds];
    for (let i = 0; i < 8; i++) {
      clock.advance(3600);
      lengths.push((await wrong(bucket, 1)).lockedForSeconds);
    }
    expect(lengths).to.deep.equal([30, 60, 120, 240, 480, 960, 1920, 3600, 3600]);
  });

  it('lets one answer at a time be tried after a lock', async () => {
    const { answer, wrong, clock } = aLedger(current().db);
    const bucket = aBucket();
    await wrong(bucket, 5);
    clock.advance(60);
    const answers = await Promise.all(Array.from({ length: 10 }, () => answer(bucket, 'wrong')));
    expect(compared(answers)).to.equal(1);
    expect(locks(answers)).to.equal(1);
  });

  it('starts counting anew after a right answer', async () => {
    const { answer, wrong, clock } = aLedger(current().db, { windowSeconds: 1 });
    const bucket = aBucket();
    await wrong(bucket, 5);
    clock.advance(30);
    await answer(bucket, 'right');
    expect(await wrong(bucket, 4)).to.deep.equal({ compared: true });
    clock.advance(1);
    expect(await wrong(bucket, 1)).to.include({ lockedForSeconds: 30 });
  });

  it('turns the factor off after 50 in a row, tells it once, and on again when re-bound', async () => {
    const { ledger, answer, wrong, clock } = aLedger(current().db);
    const bucket = aBucket();
    const answers: Answer[] = [await wrong(bucket, 5)];
    for (let i = 5; i < 50; i++) {
      clock.advance(3600);
      answers.push(await wrong(bucket, 1));
    }
    expect(answers.filter(({ disabled }) => disabled)).to.deep.equal([answers.at(-1)]);
    clock.advance(86_400 * 30);
    await ledger.sweep();
    expect(await answer(bucket, 'right')).to.include({ compared: false, reason: 'disabled' });
    expect(await answer({ ...bucket, device: 'known' }, 'right')).to.include({ compared: true });
    await ledger.enable(bucket.subject, bucket.factor);
    expect(await answer(bucket, 'right')).to.deep.equal({ compared: true });
  });

  it('counts an attempt whose process died as wrong after 10 s, no sooner', async () => {
    const { ledger, answer, clock } = aLedger(current().db, { maxPerWindow: 1 });
    const bucket = aBucket();
    await mustReserve(ledger, bucket);
    clock.advance(9);
    const soon = answer(bucket, 'right');
    clock.advance(1);
    expect(await soon).to.include({ compared: false, reason: 'locked', lockedForSeconds: 60 });
    clock.advance(60);
    expect(await answer(bucket, 'right')).to.include({ compared: true });
  });

  it('settles a reservation once', async () => {
    const { ledger, answer } = aLedger(current().db, { maxPerWindow: 2 });
    const bucket = aBucket();
    const reservation = await mustReserve(ledger, bucket);
    await ledger.settle(reservation, 'wrong');
    expect(await ledger.settle(reservation, 'wrong')).to.deep.equal({});
    await ledger.settle(reservation, 'right');
    expect(await answer(bucket, 'wrong')).to.have.property('lockedForSeconds');
  });

  it('refuses after waiting five seconds for attempts that nobody settles', async () => {
    const { ledger } = aLedger(current().db, { maxPerWindow: 1 });
    const bucket = aBucket();
    await mustReserve(ledger, bucket);
    const started = performance.now();
    expect(await ledger.reserve(bucket)).to.deep.equal({
      ...{ ok: false, reason: 'locked', retryAfterSeconds: 1 },
    });
    expect(performance.now() - started).to.be.within(4900, 6000);
  });

  it('forgets a bucket after a day without use', async () => {
    const { ledger, wrong, clock } = aLedger(current().db);
    await ledger.sweep();
    await current().db('sign_in_attempts').whereNull('disabled_at').delete();
    await wrong(aBucket(), 3);
    clock.advance(86_400);
    expect(await ledger.sweep()).to.equal(0);
    clock.advance(1);
    expect(await ledger.sweep()).to.equal(1);
  });

  it('locks an identifier without account exactly like an account', async () => {
    const index = new BlindIndex(createEphemeralKeyRing().only('index'));
    const { wrong, answer } = aLedger(current().db);
    const existing = aBucket({ subject: accountSubject('0197a000-0000-7000-8000-00000000000a') });
    const absent = aBucket({ subject: absentSubject('+8613800000000', index) });
    for (const outcome of [5, 1]) {
      expect(await wrong(absent, outcome)).to.deep.equal(await wrong(existing, outcome));
    }
    expect(await answer(absent, 'right')).to.deep.equal(await answer(existing, 'right'));
    expect(absent.subject).to.not.contain('138');
  });
});

describeOnPostgresql('sign-in/attempt-ledger, two processes', (current) => {
  it('A-01, A-02: share the budget of a bucket, and wake each other', async () => {
    const otherPool = current().engine.connect('application');
    try {
      const [first, second] = [aLedger(current().db).ledger, aLedger(otherPool).ledger];
      const burst = (count: number, outcome: 'right' | 'wrong') => {
        const bucket = aBucket();
        return Promise.all(
          Array.from({ length: count }, (_, i) =>
            answerTo(i % 2 === 0 ? first : second, bucket, outcome),
          ),
        );
      };
      const wrong = await burst(100, 'wrong');
      expect([compared(wrong), locks(wrong)]).to.deep.equal([5, 1]);
      const right = await burst(30, 'right');
      expect([compared(right), locks(right)]).to.deep.equal([30, 0]);
    } finally {
      await otherPool.destroy();
    }
  });
});
