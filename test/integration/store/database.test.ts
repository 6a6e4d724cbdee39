import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { DataDirectoryInUse } from '#store/data-lock.ts';
import { openDatabase } from '#store/database.ts';
import { migrate, pendingMigrations } from '#store/migrate.ts';
import { describeOnEachDatabase } from '../../support/databases.ts';

describeOnEachDatabase('store/database', (current) => {
  it('works in the application role, not in the role that logged in', async () => {
    const result = await current().db.raw<{ rows: { current_user: string }[] }>(
      'SELECT current_user',
    );
    expect(result.rows[0]?.current_user).to.equal('yirentong_app');
  });

  it('lets the application create no tables', async () => {
    const error = await current()
      .db.raw('CREATE TABLE intruder (id int)')
      .then(
        () => undefined,
        (reason: unknown) => reason,
      );
    expect(error).to.have.property('code', '42501');
  });
});

describe('store/database (embedded, on disk)', function () {
  // Each opening starts PostgreSQL anew; on a busy machine that takes its time.
  this.timeout(60_000);
  let directory = '';
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'yrt-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('refuses a second opener while the first is open, and lets one in afterwards', async () => {
    const first = await openDatabase({ dataDirectory: directory });
    const second = await openDatabase({ dataDirectory: directory }).catch((e: unknown) => e);
    expect(second).to.be.instanceOf(DataDirectoryInUse);
    await first.close();
    await (await openDatabase({ dataDirectory: directory })).close();
  });

  it('keeps what was written when it is opened again, and applies no migration twice', async () => {
    const first = await openDatabase({ dataDirectory: directory });
    const owner = first.connect('owner');
    expect(await pendingMigrations(owner)).to.include('0001-application-role.sql');
    expect(await migrate(owner)).to.include('0001-application-role.sql');
    await owner.destroy();
    await first.close();

    const second = await openDatabase({ dataDirectory: directory });
    const again = second.connect('owner');
    expect(await pendingMigrations(again)).to.deep.equal([]);
    expect(await migrate(again)).to.deep.equal([]);
    await again.destroy();
    await second.close();
  });
});
