import { expect } from 'chai';
import { runOn } from '../../support/commands.ts';
import { describeOnEachDatabase } from '../../support/databases.ts';
import { dumpEverything } from '../../support/dump.ts';
import {
  aLine,
  anImportFile,
  foreignHashesOf,
  refusedLinesOf,
  syntheticLines,
} from '../../support/imports.ts';
import { authorizationRequest, personAt, signInAt } from '../../support/person.ts';
import {
  aCitizen,
  aSite,
  residentIdNumber,
  startTestServer,
  type TestServer,
} from '../../support/test-server.ts';

const PASSWORD = 'Plum-Bridge-41';

describeOnEachDatabase('account import', (current) => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer(current());
  });
  after(() => server.stop());

  const importFile = (file: string) => runOn(server, current(), 'account', 'import', file);
  const accountCount = async () => {
    const row = await current().db('accounts').count<{ count: string }[]>('* as count');
    return Number(row[0]?.count);
  };
  const hashOf = async (username: string) => {
    const { accounts, credentials } = server.running.services.records;
    const id = await accounts.findIdBy({ kind: 'username', value: username });
    return (await credentials.find(id ?? ''))?.passwordHash ?? '';
  };

  it('makes accounts with everything that the lines say', async () => {
    const level = { real_name_level: 4, real_name_time: '2024-05-01T08:00:00+08:00' };
    const contact = { phone_verified: true, email: 'imported@example.com', evidence: 'case/1' };
    const file = anImportFile([aLine(1, { ...level, ...contact }), { phone: '13700009999' }]);
    expect((await importFile(file)).exitCode).to.equal(0);

    const { accounts, documents } = server.running.services.records;
    const id = (await accounts.findIdBy({ kind: 'phone', value: '+8613700000001' })) ?? '';
    expect(await accounts.find(id)).to.deep.include({
      status: 'active',
      realNameLevel: 4,
      realNameMethod: 'import',
      realNameAt: new Date('2024-05-01T00:00:00Z'),
    });
    expect(await accounts.contactOf(id)).to.deep.include({
      username: 'imported-1',
      phoneVerified: true,
      email: 'imported@example.com',
      emailVerified: false,
    });
    const document = { number: residentIdNumber(1), name: '测试公民', isBound: true };
    expect(await documents.primaryOf(id)).to.deep.include(document);
    const row = await current()
      .db<{ account_id: string }>('identity_documents')
      .where({ account_id: id })
      .first();
    expect(row).to.include({ verified_by: 'import', evidence: 'case/1' });
    const other = await accounts.findIdBy({ kind: 'phone', value: '+8613700009999' });
    expect(await accounts.find(other ?? '')).to.include({ realNameLevel: 1 });
  });

  it('keeps import and line as the evidence of who brings none', async () => {
    const file = anImportFile([aLine(2), aLine(3)]);
    const id = /Import (\d+) is finished/.exec((await importFile(file)).output)?.[1];
    const rows = await current()
      .db('identity_documents')
      .where('evidence', 'like', `import:${id}:%`)
      .pluck('evidence');
    expect(rows.sort()).to.deep.equal([`import:${id}:1`, `import:${id}:2`]);
  });

  it('lets everybody sign in with the password of the old system, and replaces its hash', async () => {
    const site = await aSite(server);
    const entries = Object.entries(foreignHashesOf(PASSWORD));
    const lines = entries.map(([family, hash], place) => ({
      phone: `1371000000${place}`,
      username: `from-${family}`,
      password_hash: hash,
    }));
    expect((await importFile(anImportFile(lines))).exitCode).to.equal(0);
    for (const { username, phone } of lines) {
      expect(await hashOf(username)).to.include('$imported$');
      for (const password of [PASSWORD, PASSWORD]) {
        const request = authorizationRequest(server, site, { prompt: 'login' });
        const citizen = { accountId: '', name: '', idNumber: undefined, phone, username, password };
        const answer = await signInAt(personAt(server), citizen, request);
        expect(answer, username).to.include.keys('code');
        expect(await hashOf(username)).to.match(/^[a-z0-9-]+\$argon2id\$/);
      }
    }
  });

  it('hashes plain passwords with ours, after the policy', async () => {
    const file = anImportFile([
      { username: 'plain-good', password: PASSWORD },
      { username: 'plain-weak', password: '12345678' },
    ]);
    expect((await importFile(file)).exitCode).to.equal(1);
    expect(await hashOf('plain-good')).to.match(/^[a-z0-9-]+\$argon2id\$/);
    expect(refusedLinesOf(file)).to.deep.equal([
      {
        line: 2,
        problems: [
          { field: 'password', reason: 'too_simple' },
          { field: 'password', reason: 'common' },
        ],
      },
    ]);
  });

  it('lists refused lines by number and reason, takes the others, and exits with 1', async () => {
    const file = anImportFile([
      aLine(10),
      'not json',
      '',
      aLine(11, { id_number: `${residentIdNumber(11).slice(0, 17)}A` }),
      aLine(12),
    ]);
    const { exitCode, output } = await importFile(file);
    expect(exitCode).to.equal(1);
    expect(output).to.include('5 lines: 2 accounts imported, 0 there already, 2 refused.');
    expect(refusedLinesOf(file)).to.deep.equal([
      { line: 2, problems: [{ field: '', reason: 'not_json' }] },
      { line: 4, problems: [{ field: 'id_number', reason: 'structure' }] },
    ]);
  });

  it('refuses who has the phone, user name or bound number of another account', async () => {
    const citizen = await aCitizen(server, { phone: '13722220001', username: 'was-here-first' });
    const file = anImportFile([
      aLine(20),
      aLine(21, { username: 'imported-20' }),
      aLine(22, { phone: citizen.phone }),
      aLine(23, { username: citizen.username.toUpperCase() }),
      aLine(24, { id_number: citizen.idNumber }),
    ]);
    const before = await accountCount();
    expect((await importFile(file)).exitCode).to.equal(1);
    expect(await accountCount()).to.equal(before + 1);
    const fields = ['username', 'phone', 'username', 'id_number'];
    expect(refusedLinesOf(file)).to.deep.equal(
      fields.map((field, place) => ({ line: place + 2, problems: [{ field, reason: 'taken' }] })),
    );
  });

  it('counts people who are there already, and leaves them as they are', async () => {
    const lines = [aLine(30), aLine(31)];
    await importFile(anImportFile(lines));
    const before = await accountCount();
    const longer = anImportFile([...lines, aLine(32), aLine(30, { status: 'locked' })]);
    const { exitCode, output } = await importFile(longer);
    expect(output).to.include('4 lines: 1 accounts imported, 3 there already, 0 refused.');
    expect(exitCode).to.equal(0);
    expect(await accountCount()).to.equal(before + 1);
    expect(refusedLinesOf(longer)).to.be.undefined;
  });

  it('does nothing for a file that it has finished, under whatever name', async () => {
    const lines = [aLine(40), 'broken'];
    const first = await importFile(anImportFile(lines));
    const again = await importFile(anImportFile(lines));
    expect(again.output).to.include('is finished; nothing was done.');
    expect(again.exitCode).to.equal(first.exitCode);
  });

  it('records each portion in the audit log, with the counts', async () => {
    const id = /Import (\d+)/.exec((await importFile(anImportFile([aLine(50), 'x']))).output)?.[1];
    const events = await current()
      .db('audit_events')
      .where({ event: 'accounts_imported' })
      .whereRaw(`details ->> 'importId' = ?`, [id ?? ''])
      .pluck('details');
    const range = { importId: Number(id), firstLine: 1, lastLine: 2 };
    expect(events).to.deep.equal([{ ...range, imported: 1, present: 0, refused: 1 }]);
  });

  it('stores nothing of the people and their hashes in the clear', async () => {
    const lines = syntheticLines(3, 5000);
    const file = anImportFile([...lines, { ...lines[0], phone: 'x' }]);
    await importFile(file);
    const dump = (await dumpEverything(current())) + JSON.stringify(refusedLinesOf(file));
    for (const { phone, username, email, id_number, password_hash } of lines) {
      const digest = Buffer.from(password_hash.split('$').at(-1) ?? '', 'base64');
      const values = [phone, username, email, id_number, digest.toString('base64').slice(0, 40)];
      for (const value of [...values, digest.toString('hex')]) expect(dump).not.to.include(value);
    }
  });

  it('says how to use it, and that a file is missing', async () => {
    expect(await runOn(server, current(), 'account', 'import')).to.include({ exitCode: 2 });
    const missing = await importFile('/nowhere/accounts.ndjson');
    expect(missing.exitCode).to.equal(1);
    expect(missing.output).to.include('ENOENT');
  });
});
