// ABUSE-CASES R-06: one ID number, many spellings, many accounts at the same moment.
import { expect } from 'chai';
import type { Knex } from 'knex';
import { parseResidentId } from '#lib/resident-id.ts';
import { systemClock } from '#lib/clock.ts';
import { createRecords } from '../../../../src/services.ts';
import { describeOnEachDatabase } from '../../../support/databases.ts';
import {
  residentIdNumber,
  startTestServer,
  type TestServer,
} from '../../../support/test-server.ts';

const SPELLINGS = [
  '11010519491231002X',
  '11010519491231002x',
  ' 11010519491231002X ',
  '１１０１０５１９４９１２３１００２Ｘ',
  '11010519491231００２ｘ',
  '\u300011010519491231002x\u3000',
];

describeOnEachDatabase('abuse/data: one ID number for many accounts', (current) => {
  let server: TestServer;
  let pools: readonly Knex[];
  before(async () => {
    server = await startTestServer(current());
    const { engine, db, kind } = current();
    // Two pools are two servers; the embedded database has one connection.
    pools = kind === 'postgresql' ? [db, engine.connect('application')] : [db];
  });
  after(async () => {
    await Promise.all(pools.slice(1).map((pool) => pool.destroy()));
    await server.stop();
  });

  /** n accounts that claim the number at the same moment, each in another spelling. */
  const claim = async (n: number, verified: boolean, spellings: readonly string[]) => {
    const nodes = pools.map((db) => createRecords({ ...server.foundations, db }));
    const accountIds = await Promise.all(
      Array.from({ length: n }, () =>
        server.running.services.records.accounts.create({
          ...{ channel: 'web', realName: { level: 1 } },
        }),
      ),
    );
    const outcomes = await Promise.all(
      accountIds.map(async (accountId, index) => {
        const parsed = parseResidentId(spellings[index % spellings.length] ?? '', systemClock);
        if (!parsed.ok)
          throw new Error(`not folded: ${String(spellings[index % spellings.length])}`);
        const outcome = await nodes[index % nodes.length]?.documents.addPrimary({
          ...{ accountId, type: 'resident_id', number: parsed.number, name: '测试公民' },
          ...(verified && { verified: { by: 'test', how: 'test' } }),
        });
        return { accountId, outcome };
      }),
    );
    await Promise.all(nodes.map(({ audit }) => audit.close()));
    return outcomes;
  };

  it('R-06 binds it to one of fifty, who is then found by every spelling', async () => {
    const outcomes = await claim(50, true, SPELLINGS);
    const added = outcomes.filter(({ outcome }) => outcome === 'added');
    expect(added).to.have.length(1);
    expect(outcomes.filter(({ outcome }) => outcome === 'taken')).to.have.length(49);
    const rows = await current().db('identity_documents').where({ is_bound: true });
    expect(rows).to.have.length(1);

    const { accounts } = server.running.services.records;
    for (const spelling of SPELLINGS) {
      const parsed = parseResidentId(spelling, systemClock);
      const value = parsed.ok ? parsed.number : '';
      const found = await accounts.findIdBy({ kind: 'resident_id', value });
      expect(found, spelling).to.equal(added[0]?.accountId);
    }
  });

  it('R-06 lets nobody sign in by a number that they merely typed', async () => {
    const { accounts } = server.running.services.records;
    const value = residentIdNumber(7);
    const typed = await claim(5, false, [value]);
    expect(typed.every(({ outcome }) => outcome === 'added')).to.equal(true);
    expect(await accounts.findIdBy({ kind: 'resident_id', value })).to.equal(undefined);
    const [owner] = await claim(1, true, [value]);
    expect(await accounts.findIdBy({ kind: 'resident_id', value })).to.equal(owner?.accountId);
  });
});
