import { expect } from 'chai';
import { Outbox } from '#jobs/outbox.ts';
import { describeOnEachDatabase } from '../../support/databases.ts';
import { outboxOn, testSealer } from '../../support/outbox.ts';

describeOnEachDatabase('jobs/outbox', (current) => {
  const everything = { limit: 100, limitPerGroup: 100, inFlight: {}, leaseSeconds: 30 };
  const claimAll = (outbox: Outbox, kind: string) => outbox.claim({ ...everything, kinds: [kind] });
  const record = { durationMilliseconds: 1 };

  it('leaves nothing of a job whose transaction is rolled back', async () => {
    const outbox = outboxOn(current().db);
    let nudges = 0;
    outbox.onEnqueued(() => (nudges += 1));
    await current()
      .db.transaction(async (transaction) => {
        await outbox.enqueue('rolled_back', {}, { transaction });
        throw new Error('the caller failed');
      })
      .catch(() => undefined);
    expect(await claimAll(outbox, 'rolled_back')).to.deep.equal([]);
    expect(nudges).to.equal(0);
  });

  it('wakes the worker after the commit, not before', async () => {
    const outbox = outboxOn(current().db);
    let nudges = 0;
    outbox.onEnqueued(() => (nudges += 1));
    await current().db.transaction(async (transaction) => {
      await outbox.enqueue('committed', {}, { transaction });
      expect(nudges).to.equal(0);
    });
    expect(nudges).to.equal(1);
    expect(await claimAll(outbox, 'committed')).to.have.length(1);
  });

  it('takes an id once, also when its job is finished', async () => {
    const outbox = outboxOn(current().db);
    expect(await outbox.enqueue('once', { n: 1 }, { id: 'once-1' })).to.equal(true);
    expect(await outbox.enqueue('once', { n: 2 }, { id: 'once-1' })).to.equal(false);
    const [job] = await claimAll(outbox, 'once');
    expect(job?.openPayload()).to.deep.equal({ n: 1 });
    if (job) await outbox.finish(job, { state: 'delivered' }, record);
    expect(await outbox.enqueue('once', { n: 3 }, { id: 'once-1' })).to.equal(false);
    expect(await claimAll(outbox, 'once')).to.deep.equal([]);
  });

  it('keeps the payload sealed, and erases it when the job is finished', async () => {
    const { db } = current();
    const outbox = outboxOn(db);
    await outbox.enqueue('sealed', { sub: 'canary-7f3a' }, { id: 'sealed-1' });
    const stored = () =>
      db<{ id: string; payload_sealed: string | null }>('outbox').where({ id: 'sealed-1' });
    const payload = (await stored().first())?.payload_sealed ?? '';
    expect(payload).to.match(/^v1\./).and.not.contain('canary');
    expect(
      testSealer.open(payload, { table: 'outbox', column: 'payload_sealed', rowId: 'sealed-1' }),
    ).to.equal('{"sub":"canary-7f3a"}');
    const [job] = await claimAll(outbox, 'sealed');
    if (job) await outbox.finish(job, { state: 'given_up' }, record);
    expect((await stored().first())?.payload_sealed).to.equal(null);
  });

  it('claims no more of a group than it may have in flight', async () => {
    const outbox = outboxOn(current().db);
    for (const groupKey of ['a', 'a', 'a', 'b', 'b', 'c']) {
      await outbox.enqueue('grouped', {}, { groupKey });
    }
    const claimed = await outbox.claim({
      kinds: ['grouped'],
      limit: 100,
      limitPerGroup: 2,
      inFlight: { b: 1, c: 2 },
      leaseSeconds: 30,
    });
    expect(claimed.map(({ groupKey }) => groupKey).sort()).to.deep.equal(['a', 'a', 'b']);
  });

  it('lets a job be claimed again only when the lease of its claim is over', async () => {
    const outbox = outboxOn(current().db);
    await outbox.enqueue('leased', {}, { id: 'leased-1' });
    const request = { ...everything, kinds: ['leased'], leaseSeconds: 0.3 };
    const [dead] = await outbox.claim(request);
    expect(await outbox.claim(request)).to.deep.equal([]);
    await new Promise((resolve) => setTimeout(resolve, 350));
    const [heir] = await outbox.claim(request);
    expect(heir).to.include({ id: 'leased-1', attempt: 2 });

    // The one who lost the lease may not decide any more.
    if (!dead || !heir) throw new Error('not claimed');
    expect(await outbox.finish(dead, { state: 'given_up' }, record)).to.equal(false);
    expect(await outbox.finish(heir, { state: 'delivered' }, record)).to.equal(true);
  });

  it('keeps a record of every attempt', async () => {
    const { db } = current();
    const outbox = outboxOn(db);
    await outbox.enqueue('recorded', {}, { id: 'recorded-1' });
    const [first] = await claimAll(outbox, 'recorded');
    if (!first) throw new Error('not claimed');
    const failure = { httpStatus: 503, errorCode: 'busy', durationMilliseconds: 12.4 };
    await outbox.finish(first, { state: 'pending', delaySeconds: 0 }, failure);
    await claimAll(outbox, 'recorded');
    const attempts = await db('outbox_attempts')
      .where({ outbox_id: 'recorded-1' })
      .orderBy('number');
    expect(
      attempts.map((row: { started_at: Date }) => ({ ...row, started_at: undefined })),
    ).to.deep.equal([
      {
        outbox_id: 'recorded-1',
        number: 1,
        started_at: undefined,
        outcome: 'retry',
        http_status: 503,
        error_code: 'busy',
        duration_milliseconds: 12,
      },
      {
        outbox_id: 'recorded-1',
        number: 2,
        started_at: undefined,
        outcome: null,
        http_status: null,
        error_code: null,
        duration_milliseconds: null,
      },
    ]);
  });

  it('sweeps what is finished and old, and nothing that is pending', async () => {
    const { db } = current();
    const outbox = outboxOn(db);
    await outbox.enqueue('swept', {}, { id: 'swept-done' });
    const [job] = await claimAll(outbox, 'swept');
    if (job) await outbox.finish(job, { state: 'delivered' }, record);
    await outbox.enqueue('swept', {}, { id: 'swept-pending' });
    expect(await outbox.sweep(60, 100)).to.equal(0);
    await outbox.sweep(0, 100);
    const left = await db('outbox').whereLike('id', 'swept-%').pluck<string[]>('id');
    expect(left).to.deep.equal(['swept-pending']);
  });
});
