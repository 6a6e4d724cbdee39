import { expect } from 'chai';
import { MonthPartitions } from '#store/month-partitions.ts';
import { describeOnEachDatabase } from '../../support/databases.ts';

describeOnEachDatabase('store/month-partitions', (current) => {
  const partitions = () => new MonthPartitions(current().db, 60);
  const namesOf = async (parent: string): Promise<string[]> => {
    const { rows } = await current().db.raw<{ rows: { name: string }[] }>(
      `SELECT inhrelid::regclass::text AS name FROM pg_inherits
       WHERE inhparent = ?::regclass ORDER BY 1`,
      [parent],
    );
    return rows.map(({ name }) => name);
  };
  const anAttempt = (id: string, startedAt: string) =>
    current().db('outbox_attempts').insert({ outbox_id: id, number: 1, started_at: startedAt });

  it('has partitions for this month and the next two after the migration', async () => {
    expect(await namesOf('audit_events')).to.have.length(7);
    expect(await namesOf('outbox_attempts')).to.have.length(4);
    expect(await partitions().maintain()).to.equal(0);
  });

  it('makes a partition for rows that came before it, and moves them there', async () => {
    const month = new Date(Date.now() + 200 * 86_400_000).toISOString().slice(0, 7);
    await anAttempt('later', `${month}-10T00:00:00Z`);
    expect(await partitions().maintain()).to.be.at.least(1);
    const name = `outbox_attempts_${month.replace('-', '_')}`;
    expect(await namesOf('outbox_attempts')).to.include(name);
    expect(await current().db('outbox_attempts_rest')).to.be.empty;
    expect(await current().db('outbox_attempts').where({ outbox_id: 'later' })).to.have.length(1);
    expect(await current().db(name)).to.have.length(1);
  });

  it('drops delivery records by the month once they are old', async () => {
    await anAttempt('old', '2022-05-31T20:00:00Z'); // June in Shanghai
    await partitions().maintain();
    expect(await current().db('outbox_attempts').where({ outbox_id: 'old' })).to.be.empty;
    expect(await namesOf('outbox_attempts')).not.to.include('outbox_attempts_2022_06');
  });

  it('gives the server’s role no way to make or drop a partition by itself', async () => {
    for (const sql of [
      'DROP TABLE audit_events_rest',
      'DELETE FROM audit_events_rest',
      'ALTER TABLE audit_events DETACH PARTITION audit_events_rest',
      `SELECT add_month_partition('audit_events', 'brief', '2030-01-01')`,
    ]) {
      const refusal = await current()
        .db.raw(sql)
        .then(() => 'done', String);
      expect(refusal, sql).to.match(/permission denied|must be owner/);
    }
  });
});
