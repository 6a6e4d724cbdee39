import { execFileSync } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import { describeOnPostgresql } from '../../support/databases.ts';
import { Program } from '../../support/program.ts';
import { SteadyLoad } from '../../support/steady-load.ts';

/** Processes are started one after the other, on a machine that has other things to do. */
const STARTS_MILLISECONDS = 60_000;
const DISCOVERY = '/.well-known/openid-configuration';

describe('supervisor on the embedded database', () => {
  it('says what to do instead, and ends with 1', async () => {
    const program = await Program.start({ args: ['--workers', '2'] });
    expect(await program.ended()).to.equal(1);
    expect(program.output).to.include('--workers').and.include('set DATABASE_URL');
  });
});

describeOnPostgresql('supervisor', (current) => {
  let program: Program;
  let mainPid = 0;

  before(async function () {
    this.timeout(STARTS_MILLISECONDS);
    program = await Program.start({
      databaseUrl: current().url,
      args: ['--workers', '2'],
      environment: { YRT_SHUTDOWN_WAIT_SECONDS: '0.3' },
    });
    await program.prints('"msg":"ready"');
    mainPid = Number(/"pid":(\d+)/.exec(program.output)?.[1]);
  });
  after(async () => {
    program.signal('SIGTERM');
    await program.ended();
  });

  const workers = () =>
    execFileSync('ps', ['--ppid', String(mainPid), '-o', 'pid='], { encoding: 'utf8' })
      .trim()
      .split(/\s+/)
      .map(Number);
  const load = () =>
    new SteadyLoad({
      ...{ port: program.port, connections: 8, host: `localhost:${program.port}` },
      next: () => ({ path: DISCOVERY }),
    });

  it('serves with as many workers as were asked for, and answers the probes itself', async () => {
    expect(workers()).to.have.length(2);
    expect((await fetch(`${program.issuer}${DISCOVERY}`)).status).to.equal(200);
    expect(await program.probe('/livez')).to.deep.equal({ status: 200, text: 'live' });
    expect(await program.probe('/readyz')).to.deep.equal({ status: 200, text: 'ready' });
  });

  it('adds up the metrics of its workers', async () => {
    expect(await program.metric('yirentong_workers')).to.equal(2);
    expect(await program.metric('yirentong_process_open_fds')).to.be.greaterThan(20);
  });

  it('exchanges every worker at SIGHUP without a failed request', async function () {
    this.timeout(STARTS_MILLISECONDS);
    const before = workers();
    const running = load();
    program.signal('SIGHUP');
    await program.prints('rolling restart done');
    const { sent, failures } = await running.stop();
    expect(failures).to.deep.equal({});
    expect(sent).to.be.greaterThan(100);
    expect(workers()).to.have.length(2);
    expect(workers().filter((pid) => before.includes(pid))).to.deep.equal([]);
  });

  it('keeps counting where the exchanged workers ended', async function () {
    this.timeout(STARTS_MILLISECONDS);
    const before = await program.metric('yirentong_process_cpu_seconds_total');
    const exchanged = program.output.split('rolling restart done').length;
    program.signal('SIGHUP');
    while (program.output.split('rolling restart done').length === exchanged) await pause(50);
    expect(await program.metric('yirentong_process_cpu_seconds_total')).to.be.greaterThan(before);
  });

  it('starts a killed worker again while the other serves on', async function () {
    this.timeout(STARTS_MILLISECONDS);
    const [victim = 0] = workers();
    process.kill(victim, 'SIGKILL');
    await program.prints('it will be started again');
    expect((await program.probe('/readyz')).status).to.equal(200);
    for (let tries = 0; tries < 400 && (await readyWorkers()) < 2; tries += 1) await pause(100);
    expect(await readyWorkers()).to.equal(2);
    expect(workers()).to.not.include(victim);
    expect(await program.metric('yirentong_worker_restarts_total')).to.equal(1);
  });
  const readyWorkers = () => program.metric('yirentong_workers');

  it('ends every worker in order at SIGTERM, answers what came before, and exits with 0', async () => {
    const pids = [mainPid, ...workers()];
    program.signal('SIGTERM');
    await pause(100);
    expect(await program.probe('/readyz')).to.deep.equal({ status: 503, text: 'stopping' });
    expect((await fetch(`${program.issuer}${DISCOVERY}`)).headers.get('connection')).to.equal(
      'close',
    );
    expect(await program.ended()).to.equal(0);
    for (const pid of pids) expect(() => process.kill(pid, 0), String(pid)).to.throw('ESRCH');
  });
});
