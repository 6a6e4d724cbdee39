// kill -9 at any point, or two runs at once: each account exists once, each refused line is listed once.
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { describeOnPostgresql } from '../../support/databases.ts';
import { anImportFile, refusedLinesOf, syntheticLines } from '../../support/imports.ts';
import { operate, startOperating } from '../../support/operator.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';

const LINES = 6000;

describeOnPostgresql('account import, interrupted', (current) => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer(current());
  });
  after(() => server.stop());

  const countOf = async (table: string) => {
    const [row] = await current().db(table).count<{ count: string }[]>('* as count');
    return Number(row?.count);
  };
  /** Every hundredth line is refused. */
  const linesFrom = (first: number) =>
    syntheticLines(LINES, first).map((line, place) => (place % 100 === 7 ? { phone: 'x' } : line));
  const REFUSED = LINES / 100;

  it('gives each account once when it was killed again and again', async function () {
    this.timeout(120_000);
    const file = anImportFile(linesFrom(0));
    let kills = 0;
    for (let stored = 0; stored < LINES / 2; stored = await countOf('accounts')) {
      const run = startOperating(server, current(), 'account', 'import', file);
      // Killed in the middle of a portion, once this run has stored one.
      while ((await countOf('accounts')) === stored) await wait(5);
      await wait(20 * (kills % 5));
      run.kill();
      await run.ended;
      kills += 1;
    }
    expect(kills).to.be.at.least(2);
    const { output, exitCode } = await operate(server, current(), 'account', 'import', file);
    expect(exitCode).to.equal(1);
    expect(output).to.match(/It went on behind line/);
    expect(output).to.include('6,000 lines: 5,940 accounts imported, 0 there already, 60 refused.');
    expect(await countOf('accounts')).to.equal(LINES - REFUSED);
    expect(await countOf('identity_documents')).to.equal(LINES - REFUSED);
    expect(await countOf('password_credentials')).to.equal(LINES - REFUSED);
    const refused = refusedLinesOf(file)?.map(({ line }) => line);
    expect(refused).to.deep.equal(Array.from({ length: REFUSED }, (_, n) => 100 * n + 8));
  });

  it('gives each account once when the same people come in two files at the same time', async function () {
    this.timeout(120_000);
    const before = await countOf('accounts');
    const lines = syntheticLines(LINES, 100_000);
    const outcomes = await Promise.all(
      [lines, [...lines].reverse()].map((each) =>
        operate(server, current(), 'account', 'import', anImportFile(each)),
      ),
    );
    expect(outcomes.map(({ exitCode }) => exitCode)).to.deep.equal([0, 0]);
    expect((await countOf('accounts')) - before).to.equal(LINES);
  });
});
