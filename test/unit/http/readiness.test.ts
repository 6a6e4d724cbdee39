import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import { startProbes } from '#http/probes.ts';
import { Readiness, type Check } from '#http/readiness.ts';
import { freePort } from '../../support/test-server.ts';

const AFTER_A_LOOK = 1200;

describe('http/readiness', () => {
  const readinessOf = (...checks: Check[]) => new Readiness(checks);

  it('is ready before anything was looked at, and while everything is good', async () => {
    const readiness = readinessOf({ name: 'database', isGood: () => true });
    const ready = { isReady: true, reasons: [], degraded: [] };
    expect(readiness.verdict).to.deep.equal(ready);
    await pause(AFTER_A_LOOK);
    expect(readiness.verdict).to.deep.equal(ready);
    readiness.beginStopping();
  });

  it('names what fails, is false or does not answer within a second', async () => {
    const readiness = readinessOf(
      { name: 'fails', isGood: () => Promise.reject(new Error('no')) },
      { name: 'false', isGood: () => false },
      { name: 'hangs', isGood: () => new Promise(() => undefined) },
    );
    await pause(AFTER_A_LOOK + 1000);
    expect(readiness.verdict.reasons).to.deep.equal(['fails', 'false', 'hangs']);
    readiness.beginStopping();
  });

  it('stays ready without what is optional, and says so on the probe', async () => {
    const readiness = readinessOf({ name: 'redis', isGood: () => false, isOptional: true });
    const port = await freePort();
    const probes = await startProbes(
      { address: '127.0.0.1', port },
      { verdict: () => readiness.verdict, metrics: () => Promise.resolve('') },
    );
    await pause(AFTER_A_LOOK);
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`);
    expect(answer.status).to.equal(200);
    expect(await answer.text()).to.equal('ready (without redis)\n');
    readiness.beginStopping();
    expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).to.equal(503);
    await probes.close();
  });
});
