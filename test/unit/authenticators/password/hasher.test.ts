import { argon2Sync } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { expect } from 'chai';
import { PasswordHasher } from '#authenticators/password/hasher.ts';
import { pepper } from '#authenticators/password/pepper.ts';
import { settingsSchema } from '#config/settings.ts';
import { AppError } from '#lib/errors.ts';
import { pepperKey, pepperKeys } from '../../../support/peppers.ts';

const DEFAULTS = settingsSchema.parse({}).password;
const errorOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('authenticators/password/hasher', () => {
  const opened: PasswordHasher[] = [];
  const hasherWith = (
    settings: Partial<typeof DEFAULTS> = {},
    keys = pepperKeys('p1'),
    threads?: number,
  ) => {
    const hasher = new PasswordHasher({
      settings: { ...DEFAULTS, ...settings },
      pepperKeys: keys,
      threads,
    });
    opened.push(hasher);
    return hasher;
  };
  const hasher = hasherWith();
  after(() => Promise.all(opened.map((each) => each.close())));

  it('accepts the right password and refuses a wrong one', async () => {
    const stored = await hasher.hash('Kw7-pgtm');
    expect(await hasher.verify(stored, 'Kw7-pgtm')).to.be.true;
    expect(await hasher.verify(stored, 'kw7-pgtm')).to.be.false;
  });

  it('makes what an independent Argon2id (OpenSSL, RFC 9106) makes of the peppered password', async () => {
    const stored = await hasher.hash('Kw7-pgtm');
    const [kid, , , , salt = '', hash] = stored.split('$');
    const expected = argon2Sync('argon2id', {
      message: pepper('Kw7-pgtm', pepperKey('p1')),
      nonce: Buffer.from(salt, 'base64'),
      parallelism: 1,
      tagLength: 32,
      memory: 19456,
      passes: 2,
    });
    expect(kid).to.equal('p1');
    expect(stored).to.include('$argon2id$v=19$m=19456,t=2,p=1$');
    expect(hash).to.equal(expected.toString('base64').replaceAll('=', ''));
  });

  it('salts every hash anew, with 16 bytes', async () => {
    const [first, second] = await Promise.all([hasher.hash('same'), hasher.hash('same')]);
    const [, , , , salt = ''] = first.split('$');
    expect(Buffer.from(salt, 'base64')).to.have.length(16);
    expect(second.split('$')[4]).to.not.equal(salt);
  });

  it('takes composed and decomposed characters for the same', async () => {
    const stored = await hasher.hash('Caf\u00e9-2026');
    expect(await hasher.verify(stored, 'Cafe\u0301-2026')).to.be.true;
    expect(await hasher.verify(stored, 'Cafe-2026')).to.be.false;
  });

  it('lets what follows a NUL count, and the NUL itself', async () => {
    const stored = await hasher.hash('abc\0def');
    expect(await hasher.verify(stored, 'abc\0def')).to.be.true;
    for (const other of ['abc', 'abc\0', 'abc\0deg', 'abcdef']) {
      expect(await hasher.verify(stored, other), JSON.stringify(other)).to.be.false;
    }
  });

  it('lets the 73rd byte count, and the 256th character', async () => {
    const long = 'x'.repeat(256);
    const stored = await hasher.hash(long);
    expect(await hasher.verify(stored, long)).to.be.true;
    expect(await hasher.verify(stored, `${'x'.repeat(72)}y${'x'.repeat(183)}`)).to.be.false;
    expect(await hasher.verify(stored, `${'x'.repeat(255)}y`)).to.be.false;
  });

  it('accepts 256 characters of four bytes and refuses 257 of one', async () => {
    expect(hasher.isTooLong('𠮷'.repeat(256))).to.be.false;
    expect(hasher.isTooLong('e\u0301'.repeat(256))).to.be.false;
    expect(hasher.isTooLong('x'.repeat(257))).to.be.true;
    const stored = await hasher.hash('x'.repeat(256));
    expect(await hasher.verify(stored, 'x'.repeat(257))).to.be.false;
    expect(await errorOf(hasher.hash('x'.repeat(257)))).to.be.instanceOf(RangeError);
  });

  it('refuses what is too long without hashing, even a megabyte', async () => {
    const stored = await hasher.hash('Kw7-pgtm');
    const start = performance.now();
    for (let n = 0; n < 100; n++) await hasher.verify(stored, 'x'.repeat(1_000_000));
    expect(performance.now() - start).to.be.lessThan(100 * 5);
  });

  it('refuses at once with 503 and Retry-After when the queue is full', async () => {
    const small = hasherWith({ queueLength: 2 }, pepperKeys('p1'), 1);
    const admitted = [small.hash('a'), small.hash('b'), small.hash('c')];
    const start = performance.now();
    const error = await errorOf(small.hash('d'));
    expect(performance.now() - start).to.be.lessThan(100);
    expect(error).to.be.instanceOf(AppError);
    expect(error).to.include({ code: 'server.busy', status: 503 });
    expect((error as AppError).values).to.deep.equal({ retryAfterSeconds: 1 });
    expect(await Promise.all(admitted)).to.have.length(3);
    expect(await small.hash('d')).to.be.a('string');
  });

  it('never starts more threads than there are cores', async () => {
    const more = availableParallelism() + 2;
    const many = hasherWith({ queueLength: 0 }, pepperKeys('p1'), more);
    const outcomes = await Promise.allSettled(Array.from({ length: more }, () => many.hash('a')));
    const done = outcomes.filter(({ status }) => status === 'fulfilled').length;
    expect(done).to.equal(availableParallelism());
  });

  it('takes as long for a decoy as for a wrong password', async function () {
    this.retries(3); // a shared machine may disturb one measurement
    const stored = await hasher.hash('Kw7-pgtm');
    const times: { real: number[]; decoy: number[] } = { real: [], decoy: [] };
    for (let n = 0; n < 25; n++) {
      times.real.push(await timeOf(() => hasher.verify(stored, 'wrong')));
      times.decoy.push(await timeOf(() => hasher.verifyDecoy('wrong')));
    }
    expect(median(times.decoy) / median(times.real)).to.be.within(0.85, 1.15);
  });

  it('verifies hashes of an earlier pepper and earlier parameters, and asks for a new hash', async () => {
    const stored = await hasher.hash('Kw7-pgtm');
    const rotated = hasherWith({}, pepperKeys('p2', 'p1'));
    const stronger = hasherWith({ passes: 3 });
    expect(await rotated.verify(stored, 'Kw7-pgtm')).to.be.true;
    expect(await stronger.verify(stored, 'Kw7-pgtm')).to.be.true;
    expect(rotated.needsRehash(stored)).to.be.true;
    expect(stronger.needsRehash(stored)).to.be.true;
    expect(hasher.needsRehash(stored)).to.be.false;
  });

  it('refuses the right password under another pepper of the same id', async () => {
    const stored = await hasher.hash('Kw7-pgtm');
    const stolen = { current: () => pepperKey('p1'), find: () => pepperKey('other') };
    expect(await hasherWith({}, stolen).verify(stored, 'Kw7-pgtm')).to.be.false;
  });

  it('says that it is unavailable when the pepper of a stored hash is missing', async () => {
    const stored = await hasherWith({}, pepperKeys('lost')).hash('Kw7-pgtm');
    expect(await errorOf(hasher.verify(stored, 'Kw7-pgtm'))).to.include({
      code: 'server.unavailable',
    });
  });

  it('rejects what waits when it is closed, and everything after', async () => {
    const closing = hasherWith({}, pepperKeys('p1'), 1);
    const waiting = [errorOf(closing.hash('a')), errorOf(closing.hash('b'))];
    await closing.close();
    for (const error of await Promise.all([...waiting, errorOf(closing.hash('c'))])) {
      expect(error).to.include({ code: 'server.unavailable' });
    }
  });

  it('reports a stored hash that is none as a failure, not as a wrong password', async () => {
    expect(await errorOf(hasher.verify('p1$argon2id$broken', 'x'))).to.be.instanceOf(Error);
    expect(await hasher.verifyDecoy('still works')).to.be.false;
  });
});

async function timeOf(action: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await action();
  return performance.now() - start;
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}
