import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import { Leases } from '#jobs/leases.ts';
import { startPeriodicJobs, type PeriodicJobs } from '#jobs/periodic-jobs.ts';
import { describeOnEachDatabase, describeOnPostgresql } from '../../support/databases.ts';
import { startJobProcess } from '../../support/job-process.ts';

describeOnEachDatabase('jobs/leases', (current) => {
  it('lets one of two holders begin, and no other before it is due again', async () => {
    const [one, other] = [new Leases(current().db), new Leases(current().db)];
    const begun = await Promise.all([one, other].map((leases) => leases.begin('once', 60, 30)));
    expect(begun.filter(Boolean)).to.have.length(1);
    await Promise.all([one.giveBack('once'), other.giveBack('once')]);
    expect(await other.begin('once', 60, 30)).to.equal(false);
    expect(await other.begin('once', 0, 30)).to.equal(true);
  });

  it('lets another begin when the lease is over, and tells the one that lost it', async () => {
    const [dead, next] = [new Leases(current().db), new Leases(current().db)];
    expect(await dead.begin('inherited', 0, 0.2)).to.equal(true);
    expect(await next.begin('inherited', 0, 30)).to.equal(false);
    await pause(300);
    expect(await next.begin('inherited', 0, 30)).to.equal(true);
    expect(await dead.prolong('inherited', 30)).to.equal(false);
    await dead.giveBack('inherited');
    expect(await next.prolong('inherited', 30)).to.equal(true);
  });
});

describeOnEachDatabase('jobs/periodic-jobs', (current) => {
  const running: PeriodicJobs[] = [];
  afterEach(async () => {
    await Promise.all(running.splice(0).map((jobs) => jobs.stop()));
  });

  const start = (
    name: string,
    run: (signal: AbortSignal) => Promise<unknown>,
    leaseSeconds = 30,
  ) => {
    const failures: unknown[] = [];
    const jobs = startPeriodicJobs([{ name, everySeconds: 0.2, run }], {
      leases: new Leases(current().db),
      onFailure: (error) => failures.push(error),
      leaseSeconds,
    });
    running.push(jobs);
    return failures;
  };

  it('runs a job on one of three nodes at a time, as often as one node alone would', async () => {
    let atOnce = 0;
    let most = 0;
    let runs = 0;
    const run = async () => {
      most = Math.max(most, ++atOnce);
      runs += 1;
      await pause(30);
      atOnce -= 1;
    };
    [1, 2, 3].forEach(() => start('shared', run));
    await pause(2000);
    expect(most).to.equal(1);
    expect(runs).to.be.within(3, 11);
  });

  it('prolongs the lease of a long run', async () => {
    let runs = 0;
    const run = () => {
      runs += 1;
      return pause(1500);
    };
    start('long', run, 0.5);
    start('long', run, 0.5);
    await pause(1300);
    expect(runs).to.equal(1);
  });

  it('tells of a failure and comes again', async () => {
    const failures = start('failing', () => Promise.reject(new Error('no')));
    await pause(1000);
    expect(failures.length).to.be.greaterThan(1);
  });
});

describeOnPostgresql('jobs/periodic-jobs in two processes', (current) => {
  it('goes on in the other process within the lease when the holder is killed', async () => {
    const url = current().url ?? '';
    const one = await startJobProcess(url, { everySeconds: 0.2, leaseSeconds: 1 });
    const first = await one.ran();
    const other = await startJobProcess(url, { everySeconds: 0.2, leaseSeconds: 1 });
    // Killed in the middle of a run: nothing is given back.
    one.kill();
    const startedAt = performance.now();
    await other.ran();
    expect(performance.now() - startedAt).to.be.lessThan(2500);
    expect(first).to.equal('ran');
    other.kill();
  });
});
