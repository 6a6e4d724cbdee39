import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { PasswordCredentials } from '#authenticators/password/credentials.ts';
import { clockAt } from '../../support/clocks.ts';
import { describeOnEachDatabase } from '../../support/databases.ts';

const clock = clockAt('2026-08-22T12:00:00+08:00');

describeOnEachDatabase('authenticators/password/credentials', (current) => {
  const credentialsAt = (at = clock) => new PasswordCredentials(current().db, at);

  async function anAccount(): Promise<string> {
    const id = randomUUID();
    const now = clock.now();
    await current().db('accounts').insert({ id, channel: 'web', created_at: now, updated_at: now });
    return id;
  }

  it('finds nothing for an account without a password and for one that does not exist', async () => {
    const credentials = credentialsAt();
    expect(await credentials.find(await anAccount())).to.be.undefined;
    expect(await credentials.find('00000000-0000-0000-0000-000000000000')).to.be.undefined;
  });

  it('stores a first password', async () => {
    const accountId = await anAccount();
    await credentialsAt().replace(accountId, 'hash-1');
    expect(await credentialsAt().find(accountId)).to.deep.equal({
      accountId,
      passwordHash: 'hash-1',
      changedAt: clock.now(),
      previousHashes: [],
    });
  });

  it('keeps the last five hashes, newest first, when the password is replaced', async () => {
    const accountId = await anAccount();
    const later = clockAt('2026-09-01T12:00:00+08:00');
    for (const n of [1, 2, 3, 4, 5, 6]) await credentialsAt().replace(accountId, `hash-${n}`);
    await credentialsAt(later).replace(accountId, 'hash-7');
    expect(await credentialsAt().find(accountId)).to.deep.include({
      passwordHash: 'hash-7',
      changedAt: later.now(),
      previousHashes: ['hash-6', 'hash-5', 'hash-4', 'hash-3', 'hash-2'],
    });
  });

  it('leaves the passwords of other accounts alone', async () => {
    const [mine, other] = [await anAccount(), await anAccount()];
    await credentialsAt().replace(other, 'other');
    await credentialsAt().replace(mine, 'hash-1');
    await credentialsAt().replace(mine, 'hash-2');
    await credentialsAt().upgradeHash(mine, 'hash-2', 'hash-3');
    expect(await credentialsAt().find(other)).to.include({ passwordHash: 'other' });
  });

  it('upgrades the hash of the same password without touching its history', async () => {
    const accountId = await anAccount();
    const credentials = credentialsAt(clockAt('2026-09-01T12:00:00+08:00'));
    await credentialsAt().replace(accountId, 'old');
    expect(await credentials.upgradeHash(accountId, 'old', 'new')).to.be.true;
    expect(await credentials.find(accountId)).to.deep.include({
      passwordHash: 'new',
      changedAt: clock.now(),
      previousHashes: [],
    });
  });

  it('never brings a replaced password back by an upgrade', async () => {
    const accountId = await anAccount();
    await credentialsAt().replace(accountId, 'old');
    await credentialsAt().replace(accountId, 'changed');
    expect(await credentialsAt().upgradeHash(accountId, 'old', 'old-rehashed')).to.be.false;
    expect(await credentialsAt().find(accountId)).to.include({ passwordHash: 'changed' });
  });

  it('stores with the transaction of the account, or not at all', async () => {
    const accountId = await anAccount();
    const rolledBack = current().db.transaction(async (trx) => {
      await credentialsAt().replace(accountId, 'hash-1', trx);
      throw new Error('roll back');
    });
    await rolledBack.catch(() => undefined);
    expect(await credentialsAt().find(accountId)).to.be.undefined;
  });

  it('refuses a password for an account that does not exist', async () => {
    const error: unknown = await credentialsAt()
      .replace(randomUUID(), 'hash-1')
      .catch((cause: unknown) => cause);
    expect(error).to.include({ code: '23503' });
  });
});
