import { expect } from 'chai';
import type { Knex } from 'knex';
import { openDatabase } from '#store/database.ts';
import { describeOnEachDatabase, describeOnPostgresql } from '../../support/databases.ts';
import { aHandler, aWorker, impatient, never, outboxOn, until } from '../../support/outbox.ts';

const attemptsOf = (db: Knex, id: string) =>
  db<{ outbox_id: string; number: number; outcome: string | null; error_code: string | null }>(
    'outbox_attempts',
  )
    .where({ outbox_id: id })
    .orderBy('number');

describeOnEachDatabase('jobs/outbox-worker', (current) => {
  let stopping: (() => Promise<void>)[] = [];
  afterEach(async () => {
    await Promise.all(stopping.map((stop) => stop()));
    stopping = [];
  });
  const start = (...args: Parameters<typeof aWorker>) => {
    const worker = aWorker(...args);
    stopping.push(() => worker.stop());
    return worker;
  };
  const emptied = () =>
    until(async () => (await current().db('outbox').where({ state: 'pending' })).length === 0);
  beforeEach(async () => {
    await current().db('outbox').delete();
  });

  it('delivers at once what this process enqueues, without waiting for the poll', async () => {
    const outbox = outboxOn(current().db);
    const { handler, seen } = aHandler();
    start({ outbox, handlers: { mail: handler }, limits: { pollMilliseconds: 60_000 } });
    await outbox.enqueue('mail', { to: 'site' });
    await until(() => seen.length === 1, 1000);
    expect(seen[0]?.payload).to.deep.equal({ to: 'site' });
  });

  it('finds what another process enqueued within its poll', async () => {
    const { handler, seen } = aHandler();
    start({ outbox: outboxOn(current().db), handlers: { mail: handler } });
    await outboxOn(current().db).enqueue('mail', {});
    await until(() => seen.length === 1, 1000);
  });

  it('retries until the receiver has healed, under the same id', async () => {
    const { db } = current();
    const outbox = outboxOn(db);
    const { handler, seen, ends } = aHandler((_payload, { number }) => {
      if (number === 1) return { result: 'retry', httpStatus: 500 };
      if (number === 2) throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
      return { result: 'delivered', httpStatus: 204 };
    });
    start({ outbox, handlers: { mail: handler } });
    await outbox.enqueue('mail', { n: 1 }, { id: 'healing' });
    await until(() => ends.length === 1);
    expect(seen.map(({ attempt }) => attempt.id)).to.deep.equal(['healing', 'healing', 'healing']);
    expect(ends).to.deep.equal([
      { payload: { n: 1 }, id: 'healing', result: 'delivered', httpStatus: 204, attempts: 3 },
    ]);
    const attempts = await attemptsOf(db, 'healing');
    expect(attempts.map(({ outcome }) => outcome)).to.deep.equal(['retry', 'retry', 'delivered']);
    expect(attempts[1]?.error_code).to.equal('ECONNREFUSED');
  });

  it('ends an attempt that hangs, and delivers when the receiver answers again', async () => {
    const outbox = outboxOn(current().db);
    const { handler, ends } = aHandler((_payload, { number }) =>
      number === 1 ? never() : { result: 'delivered' },
    );
    start({ outbox, handlers: { mail: handler }, limits: { attemptMilliseconds: 100 } });
    await outbox.enqueue('mail', {}, { id: 'hanging' });
    await until(() => ends.length === 1);
    expect((await attemptsOf(current().db, 'hanging'))[0]?.error_code).to.equal('timeout');
  });

  it('does not let a hanging receiver hold up the others', async () => {
    const outbox = outboxOn(current().db);
    const { handler, seen } = aHandler(({ host }) =>
      host === 'hangs' ? never() : { result: 'delivered' },
    );
    for (let n = 0; n < 20; n += 1) {
      await outbox.enqueue('mail', { host: 'hangs' }, { groupKey: 'hangs' });
    }
    await outbox.enqueue('mail', { host: 'well' }, { groupKey: 'well' });
    const limits = { concurrency: 4, concurrencyPerGroup: 2, stopMilliseconds: 0 };
    start({ outbox, handlers: { mail: handler }, limits });
    await until(() => seen.some(({ payload }) => payload['host'] === 'well'), 1000);
    expect(seen.filter(({ payload }) => payload['host'] === 'hangs')).to.have.length(2);
  });

  it('gives up at the give-up age, with a record', async () => {
    const { db } = current();
    const outbox = outboxOn(db);
    const { handler, ends, seen } = aHandler(() => ({ result: 'retry', httpStatus: 500 }));
    start({ outbox, handlers: { mail: handler }, settings: { ...impatient, giveUpSeconds: 0.4 } });
    await outbox.enqueue('mail', {}, { id: 'hopeless' });
    await until(() => ends.length === 1);
    expect(ends[0]).to.include({ id: 'hopeless', result: 'given_up', attempts: seen.length });
    expect(seen.length).to.be.greaterThan(2);
    const row = await db<{ id: string; state: string }>('outbox').where({ id: 'hopeless' }).first();
    expect(row?.state).to.equal('given_up');
    expect((await attemptsOf(db, 'hopeless')).at(-1)?.outcome).to.equal('given_up');
  });

  it('delivers the job of a worker that died', async () => {
    const outbox = outboxOn(current().db);
    await outbox.enqueue('mail', {}, { id: 'orphan' });
    const claim = { kinds: ['mail'], limit: 1, limitPerGroup: 1, inFlight: {}, leaseSeconds: 0.3 };
    expect(await outbox.claim(claim)).to.have.length(1);
    const { handler, seen } = aHandler();
    start({ outbox, handlers: { mail: handler } });
    await emptied();
    expect(seen.map(({ attempt }) => attempt.number)).to.deep.equal([2]);
    const outcomes = (await attemptsOf(current().db, 'orphan')).map(({ outcome }) => outcome);
    expect(outcomes).to.deep.equal([null, 'delivered']);
  });

  it('leaves jobs of a kind it does not know to others', async () => {
    const outbox = outboxOn(current().db);
    const { handler, seen } = aHandler();
    start({ outbox, handlers: { mail: handler } });
    await outbox.enqueue('unknown', {}, { id: 'unknown-1' });
    await outbox.enqueue('mail', {});
    await until(() => seen.length === 1);
    expect(await attemptsOf(current().db, 'unknown-1')).to.deep.equal([]);
  });

  it('finishes what is in flight before it stops, and claims nothing more', async () => {
    const outbox = outboxOn(current().db);
    const { handler, seen, ends } = aHandler(async () => {
      await new Promise((resolve) => setTimeout(resolve, 200));
      return { result: 'delivered' };
    });
    const worker = start({ outbox, handlers: { mail: handler }, limits: { concurrency: 1 } });
    await outbox.enqueue('mail', { n: 1 });
    await outbox.enqueue('mail', { n: 2 });
    await until(() => seen.length === 1);
    await worker.stop();
    expect(ends).to.have.length(1);
    expect(seen).to.have.length(1);
  });

  it('stops although an attempt hangs, and leaves its job to be retried', async () => {
    const { db } = current();
    const outbox = outboxOn(db);
    const { handler, seen } = aHandler(() => never());
    const limits = { stopMilliseconds: 100 };
    const worker = start({ outbox, handlers: { mail: handler }, limits });
    await outbox.enqueue('mail', {}, { id: 'stuck' });
    await until(() => seen.length === 1);
    await worker.stop();
    expect(seen[0]?.attempt.signal.aborted).to.equal(true);
    expect((await attemptsOf(db, 'stuck'))[0]?.error_code).to.equal('shutdown');
  });

  it('survives errors of the database and logs their begin and end once', async () => {
    const outbox = outboxOn(current().db);
    const { handler, seen } = aHandler();
    const claim = outbox.claim.bind(outbox);
    let failures = 3;
    outbox.claim = (request) => {
      failures -= 1;
      return failures >= 0 ? Promise.reject(new Error('gone')) : claim(request);
    };
    await outbox.enqueue('mail', {});
    const { lines } = start({
      outbox,
      handlers: { mail: handler },
      limits: { pollMilliseconds: 10 },
    });
    await until(() => seen.length === 1);
    expect(lines.map(({ level }) => level)).to.deep.equal(['error', 'info']);
  });
});

describeOnPostgresql('jobs/outbox-worker in several processes', (current) => {
  it('attempts each job once in all when nothing fails', async () => {
    const second = await openDatabase({ databaseUrl: current().url, dataDirectory: 'memory://' });
    const pools = [current().db, second.connect('application')];
    const { handler, seen } = aHandler(async () => {
      await new Promise((resolve) => setTimeout(resolve, 2));
      return { result: 'delivered' };
    });
    const limits = { concurrency: 8, concurrencyPerGroup: 4, pollMilliseconds: 5 };
    const sender = outboxOn(current().db);
    const workers = pools.map((db) =>
      aWorker({ outbox: outboxOn(db), handlers: { mail: handler }, limits }),
    );
    await Promise.all(
      Array.from({ length: 200 }, (_, n) =>
        sender.enqueue('mail', { n }, { groupKey: `host-${n % 7}` }),
      ),
    );
    await until(
      async () => (await current().db('outbox').where({ state: 'pending' })).length === 0,
      15_000,
    );
    await Promise.all(workers.map((worker) => worker.stop()));
    await pools[1]?.destroy();
    expect(seen).to.have.length(200);
    expect(new Set(seen.map(({ payload }) => payload['n']))).to.have.length(200);
  });
});
