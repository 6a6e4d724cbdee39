import { expect } from 'chai';
import { accepted, refused, type SignInAttempt } from '#authenticators/authenticator.ts';
import type { PasswordCredential } from '#authenticators/password/credentials.ts';
import { PasswordHasher } from '#authenticators/password/hasher.ts';
import { createPassword } from '#authenticators/password/index.ts';
import type { PepperKeys } from '#authenticators/password/pepper.ts';
import { settingsSchema } from '#config/settings.ts';
import { AppError } from '#lib/errors.ts';
import { systemOrigin } from '#lib/request-origin.ts';
import { pepperKeys } from '../../../support/peppers.ts';

// Cheap parameters: what is tested here is who gets which answer, not the strength.
const settings = { ...settingsSchema.parse({}).password, memoryKibibytes: 64, passes: 1 };
const ACCOUNT = 'account-1';
const attemptOf = (accountId: string | undefined): SignInAttempt => ({
  interactionId: 'interaction-1',
  accountId,
  origin: systemOrigin,
});

/** One credential in memory; remembers who was asked for. */
function credentialsOf(passwordHash: string) {
  const state = { passwordHash, asked: [] as string[] };
  return {
    state,
    find(accountId: string): Promise<PasswordCredential | undefined> {
      state.asked.push(accountId);
      const changedAt = new Date(0);
      const found = { accountId, passwordHash: state.passwordHash, changedAt, previousHashes: [] };
      return Promise.resolve(accountId === ACCOUNT ? found : undefined);
    },
    upgradeHash(_accountId: string, oldHash: string, newHash: string): Promise<boolean> {
      if (oldHash !== state.passwordHash) return Promise.resolve(false);
      state.passwordHash = newHash;
      return Promise.resolve(true);
    },
  };
}

/** Counts the work, so that a test sees what was hashed and what was not. */
class CountingHasher extends PasswordHasher {
  readonly calls: string[] = [];
  override hash(password: string) {
    this.calls.push('hash');
    return super.hash(password);
  }
  override verify(stored: string, password: string) {
    this.calls.push('verify');
    return super.verify(stored, password);
  }
}

describe('authenticators/password', () => {
  const opened: PasswordHasher[] = [];
  after(() => Promise.all(opened.map((each) => each.close())));

  async function setUp(keys: PepperKeys = pepperKeys('p1')) {
    const enrolling = new PasswordHasher({ settings, pepperKeys: pepperKeys('p1'), threads: 1 });
    const hasher = new CountingHasher({ settings, pepperKeys: keys, threads: 1 });
    opened.push(enrolling, hasher);
    const credentials = credentialsOf(await enrolling.hash('Kw7-pgtm'));
    return { hasher, credentials, password: createPassword({ hasher, credentials }) };
  }

  it('accepts the right password and names the account', async () => {
    const { password } = await setUp();
    const verification = await password.verify(attemptOf(ACCOUNT), { password: 'Kw7-pgtm' });
    expect(verification).to.deep.equal(accepted(ACCOUNT));
  });

  it('gives a wrong password, no account and no credential the same answer for the same work', async () => {
    for (const accountId of [ACCOUNT, undefined, 'account-without-password']) {
      const { password, hasher, credentials } = await setUp();
      const verification = await password.verify(attemptOf(accountId), { password: 'wrong' });
      expect(verification, accountId).to.deep.equal(refused('wrong_answer'));
      expect(hasher.calls, accountId).to.deep.equal(['verify']);
      expect(credentials.state.asked, accountId).to.have.length(1);
    }
  });

  it('refuses more than 256 characters without hashing, with and without an account', async () => {
    for (const accountId of [ACCOUNT, undefined]) {
      const { password, hasher } = await setUp();
      const answer = { password: 'x'.repeat(257) };
      expect(await password.verify(attemptOf(accountId), answer)).to.deep.equal(
        refused('wrong_answer'),
      );
      expect(hasher.calls).to.be.empty;
    }
  });

  it('moves a right password to the current pepper', async () => {
    const { password, hasher, credentials } = await setUp(pepperKeys('p2', 'p1'));
    await password.verify(attemptOf(ACCOUNT), { password: 'Kw7-pgtm' });
    expect(credentials.state.passwordHash).to.match(/^p2\$/);
    expect(hasher.needsRehash(credentials.state.passwordHash)).to.be.false;
    expect(await password.verify(attemptOf(ACCOUNT), { password: 'Kw7-pgtm' })).to.include({
      ok: true,
    });
  });

  it('leaves the stored hash alone after a wrong password or when it is up to date', async () => {
    const old = await setUp(pepperKeys('p2', 'p1'));
    await old.password.verify(attemptOf(ACCOUNT), { password: 'wrong' });
    expect(old.credentials.state.passwordHash).to.match(/^p1\$/);

    const { password, hasher } = await setUp();
    await password.verify(attemptOf(ACCOUNT), { password: 'Kw7-pgtm' });
    expect(hasher.calls).to.deep.equal(['verify']);
  });

  it('accepts the right password even when the queue has no place for the new hash', async () => {
    const { password, hasher, credentials } = await setUp(pepperKeys('p2', 'p1'));
    hasher.hash = () => Promise.reject(new AppError('server.busy', { retryAfterSeconds: 1 }));
    const verification = await password.verify(attemptOf(ACCOUNT), { password: 'Kw7-pgtm' });
    expect(verification).to.deep.equal(accepted(ACCOUNT));
    expect(credentials.state.passwordHash).to.match(/^p1\$/);
  });

  it('reads the field `password` and ignores the others', async () => {
    const { answer } = (await setUp()).password;
    const form = { account: '13800138001', csrf: 'token', password: 'Kw7-pgtm' };
    expect(answer.parse(form)).to.deep.equal({ password: 'Kw7-pgtm' });
  });

  it('refuses arrays, objects, numbers, nothing and the empty string by its schema', async () => {
    const { answer } = (await setUp()).password;
    for (const password of [['Kw7-pgtm'], { $ne: '' }, 12345678, null, undefined, true, '']) {
      expect(answer.safeParse({ password }).success, JSON.stringify(password)).to.be.false;
    }
  });

  it('keeps spaces at the ends: they are part of a password', async () => {
    const { answer } = (await setUp()).password;
    expect(answer.parse({ password: ' a ' })).to.deep.equal({ password: ' a ' });
  });
});
