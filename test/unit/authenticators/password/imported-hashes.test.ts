import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { readForeignHash } from '#authenticators/password/imported/hash-families.ts';
import { PasswordHasher } from '#authenticators/password/hasher.ts';
import { settingsSchema } from '#config/settings.ts';
import { pepperKey, pepperKeys } from '../../../support/peppers.ts';

const settings = settingsSchema.parse({}).password;
const SALT = Buffer.from('0123456789abcdef');
const OUTPUT = createHash('sha256').update(SALT).update('Kw7-pgtm').digest();
const TEXT = `$sha256$o=sp$${SALT.toString('base64')}$${OUTPUT.toString('hex')}`;

function foreignHash() {
  const hash = readForeignHash(TEXT);
  if (typeof hash === 'string') throw new Error(hash);
  return hash;
}

describe('authenticators/password/hasher: imported hashes', () => {
  const hasher = new PasswordHasher({ settings, pepperKeys: pepperKeys('p1'), threads: 1 });
  after(() => hasher.close());

  it('accepts the right password, refuses a wrong one, and asks for a hash of our own', async () => {
    const stored = hasher.adopt(foreignHash());
    expect(await hasher.verify(stored, 'Kw7-pgtm')).to.be.true;
    expect(await hasher.verify(stored, 'kw7-pgtm')).to.be.false;
    expect(hasher.needsRehash(stored)).to.be.true;
    expect(hasher.needsRehash(await hasher.hash('Kw7-pgtm'))).to.be.false;
  });

  it('stores nothing that could be compared with a guess without the pepper', () => {
    const stored = hasher.adopt(foreignHash());
    for (const encoding of ['hex', 'base64', 'base64url'] as const) {
      expect(stored).not.to.include(OUTPUT.toString(encoding).slice(0, 20));
    }
  });

  it('refuses the right password under another pepper of the same id', async () => {
    const stolen = { current: () => pepperKey('p1'), find: () => pepperKey('other') };
    const thief = new PasswordHasher({ settings, pepperKeys: stolen, threads: 1 });
    expect(await thief.verify(hasher.adopt(foreignHash()), 'Kw7-pgtm')).to.be.false;
    await thief.close();
  });

  it('does not answer a wrong password sooner than for an account that does not exist', async function () {
    this.retries(3); // a shared machine may disturb one measurement
    const stored = hasher.adopt(foreignHash());
    const times = { imported: [] as number[], decoy: [] as number[] };
    for (let n = 0; n < 15; n++) {
      times.imported.push(await timeOf(() => hasher.verify(stored, 'wrong')));
      times.decoy.push(await timeOf(() => hasher.verifyDecoy('wrong')));
    }
    expect(median(times.imported) / median(times.decoy)).to.be.within(0.85, 1.3);
  });
});

async function timeOf(action: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await action();
  return performance.now() - start;
}

const median = (values: number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
