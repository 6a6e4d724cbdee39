import { expect } from 'chai';
import { Accounts, type NewAccount } from '#accounts/accounts.ts';
import { IdentityDocuments } from '#accounts/identity-documents.ts';
import { BlindIndex } from '#crypto/blind-index.ts';
import { createEphemeralKeyRing } from '#crypto/key-ring.ts';
import { Sealer } from '#crypto/sealing.ts';
import { ChangeFeed } from '#store/change-feed.ts';
import { movableClock } from '../../support/clocks.ts';
import { describeOnEachDatabase, dumpTables } from '../../support/databases.ts';
import { residentIdNumber } from '../../support/test-server.ts';

const keys = createEphemeralKeyRing();
const sealer = new Sealer(keys.only('sealing'));
const index = new BlindIndex(keys.only('index'));
const NOBODY = '0197a000-0000-7000-8000-000000000000';

describeOnEachDatabase('accounts/accounts', (current) => {
  const clock = movableClock();
  let accounts: Accounts;
  let documents: IdentityDocuments;
  let count = 0;
  before(() => {
    const { db } = current();
    documents = new IdentityDocuments({ db, sealer, index, clock });
    accounts = new Accounts({ db, sealer, index, documents, clock, feed: new ChangeFeed({ db }) });
  });

  const anAccount = (changes: Partial<NewAccount> = {}): NewAccount => {
    count += 1;
    return {
      ...{ username: `person-${count}`, phone: `+86138000${String(10_000 + count)}` },
      ...{
        email: `person-${count}@example.com`,
        phoneVerified: true,
        emailVerified: true,
        channel: 'web',
      },
      realName: { level: 1 },
      ...changes,
    };
  };
  const codeOf = (promise: Promise<unknown>) =>
    promise.then(
      () => 'done',
      (error: unknown) => (error as { code?: string }).code,
    );

  it('finds an account by phone, user name and bound number, and by nothing else', async () => {
    const wanted = anAccount();
    const id = await accounts.create(wanted);
    const number = residentIdNumber(count);
    const verified = { by: 'test', how: 'test' };
    const document = {
      accountId: id,
      type: 'resident_id',
      number,
      name: '张三',
      verified,
    } as const;
    expect(await documents.addPrimary(document)).to.equal('added');
    for (const [kind, value] of [
      ['phone', wanted.phone],
      ['username', wanted.username],
      ['resident_id', number],
    ] as const) {
      expect(await accounts.findIdBy({ kind, value: value ?? '' }), kind).to.equal(id);
    }
    expect(await accounts.findIdBy({ kind: 'phone', value: wanted.username ?? '' })).to.equal(
      undefined,
    );
    expect(await accounts.findIdBy({ kind: 'username', value: wanted.phone ?? '' })).to.equal(
      undefined,
    );
  });

  it('opens what it sealed, and stores nothing of it in clear', async () => {
    const wanted = anAccount();
    const id = await accounts.create(wanted);
    expect(await accounts.contactOf(id)).to.deep.equal({
      ...{ username: wanted.username, phone: wanted.phone, email: wanted.email },
      ...{ phoneVerified: true, emailVerified: true },
    });
    const dump = await dumpTables(current().db, ['accounts', 'identity_documents']);
    for (const value of [wanted.username, wanted.phone, wanted.email]) {
      expect(dump).not.to.include(value);
    }
  });

  it('takes no contact for verified that is not', async () => {
    const id = await accounts.create(anAccount({ phoneVerified: false, emailVerified: false }));
    expect(await accounts.contactOf(id)).to.include({ phoneVerified: false, emailVerified: false });
  });

  it('lets one of ten accounts have a phone, and one a user name', async () => {
    const { phone = '', username = '' } = anAccount();
    for (const same of [{ phone }, { username }]) {
      const outcomes = await Promise.all(
        Array.from({ length: 10 }, () => codeOf(accounts.create(anAccount(same)))),
      );
      expect(outcomes.sort()).to.deep.equal([...Array<string>(9).fill('23505'), 'done']);
    }
  });

  it('lets several accounts have no phone and no user name', async () => {
    const bare = { channel: 'web', realName: { level: 1 } } as const;
    const ids = [await accounts.create(bare), await accounts.create(bare)];
    expect(new Set(ids).size).to.equal(2);
    expect(await accounts.contactOf(ids[0] ?? '')).to.include({ phone: undefined });
  });

  it('changes the status once, and only of accounts that exist', async () => {
    const id = await accounts.create(anAccount());
    expect(await accounts.find(id)).to.include({ status: 'active', realNameLevel: 1 });
    clock.advance(60);
    expect(await accounts.changeStatus(id, 'locked')).to.equal(true);
    expect(await accounts.changeStatus(id, 'locked')).to.equal(false);
    const account = await accounts.find(id);
    expect(account).to.include({ status: 'locked' });
    expect(account?.updatedAt).to.deep.equal(clock.now());
    expect(await accounts.changeStatus(NOBODY, 'locked')).to.equal(false);
    expect(await accounts.find(NOBODY)).to.equal(undefined);
  });

  it('still finds accounts by an index under a former key', async () => {
    const wanted = anAccount();
    const id = await accounts.create(wanted);
    const fresh = createEphemeralKeyRing().current('index');
    const rotated = new BlindIndex({
      current: () => fresh,
      find: (kid) => [fresh, keys.current('index')].find((key) => key.kid === kid),
      all: () => [fresh, keys.current('index')],
    });
    const { db } = current();
    const feed = new ChangeFeed({ db });
    const later = new Accounts({ db, sealer, index: rotated, documents, clock, feed });
    expect(await later.findIdBy({ kind: 'phone', value: wanted.phone ?? '' })).to.equal(id);
  });

  it('gives back a document whole, its last day as it was written', async () => {
    const accountId = await accounts.create(anAccount());
    const shown = { type: 'resident_id', number: residentIdNumber(900), name: '欧阳测试' } as const;
    await documents.addPrimary({ accountId, ...shown, validTo: '2036-02-29' });
    expect(await documents.primaryOf(accountId)).to.deep.equal({
      ...shown,
      validTo: '2036-02-29',
      isBound: false,
    });
    expect(await documents.primaryOf(NOBODY)).to.equal(undefined);
  });
});
