// ABUSE-CASES: passwords of every length and shape.
import { expect } from 'chai';
import { HashQueue } from '#authenticators/password/hash-queue.ts';
import { describeOnEachDatabase } from '../../../support/databases.ts';
import { openSignIn } from '../../../support/password-requests.ts';
import { sendRaw } from '../../../support/raw-http.ts';
import {
  aCitizen,
  aSite,
  startTestServer,
  type Site,
  type TestServer,
} from '../../../support/test-server.ts';

const run: HashQueue['run'] = Reflect.get(HashQueue.prototype, 'run');

describeOnEachDatabase('abuse/authenticators: what is typed as a password', (current) => {
  let server: TestServer;
  let site: Site;
  let hashes = 0;
  before(async () => {
    server = await startTestServer(current(), { settings: { attempts: { maxPerWindow: 1000 } } });
    site = await aSite(server);
    HashQueue.prototype.run = function counted(task) {
      hashes += 1;
      return run.call(this, task);
    };
  });
  after(async () => {
    HashQueue.prototype.run = run;
    await server.stop();
  });

  /** The answer to the form, and how many hashes it cost. */
  const submit = async (fields: readonly (readonly [string, string])[]) => {
    const { request } = await openSignIn(server, site);
    const hashesBefore = hashes;
    const host = new URL(server.issuer).host;
    const { status, headers } = await sendRaw(server.running.port, { ...request(fields), host });
    return { status, hashes: hashes - hashesBefore, isOn: headers.has('location') };
  };
  const accepted = { status: 303, hashes: 1, isOn: true };
  const compared = { status: 422, hashes: 1, isOn: false };
  const refusedUnhashed = { status: 422, hashes: 0, isOn: false };

  /** Signs in an account that has one password with another. */
  const type = async (password: string, typed: string) => {
    const { phone } = await aCitizen(server, { password });
    return await submit([
      ['account', phone],
      ['password', typed],
    ]);
  };

  for (const [what, password] of [
    ['64 characters', 'a'.repeat(64)],
    ['128 characters', 'b'.repeat(128)],
    ['256 characters', 'c'.repeat(256)],
    ['256 Chinese characters', '证'.repeat(256)],
    ['256 characters beyond the basic plane', '𠮷'.repeat(256)],
  ] as const) {
    it(`A-10 lets every character of ${what} count`, async () => {
      const [characters, last] = [Array.from(password), Array.from(password).length - 1];
      const withLastChanged = characters.with(last, 'x').join('');
      expect(await type(password, password)).to.deep.equal(accepted);
      expect(await type(password, withLastChanged)).to.deep.equal(compared);
      expect(await type(password, characters.slice(0, last).join(''))).to.deep.equal(compared);
    });
  }

  it('A-10 lets byte 73 count', async () => {
    const start = 'z'.repeat(72);
    expect(await type(`${start}A`, `${start}B`)).to.deep.equal(compared);
    expect(await type(`${start}A`, start)).to.deep.equal(compared);
  });

  it('A-10 lets what follows a NUL count', async () => {
    expect(await type('before\0after', 'before\0other')).to.deep.equal(compared);
    expect(await type('before\0after', 'before')).to.deep.equal(compared);
    expect(await type('before\0after', 'before\0after')).to.deep.equal(accepted);
  });

  for (const length of [257, 1024, 1025, 10_000]) {
    it(`A-10 refuses ${length} characters without hashing them`, async () => {
      const whole = 'p'.repeat(length);
      expect(await type(whole.slice(0, 256), whole)).to.deep.equal(refusedUnhashed);
    });
  }

  it('A-10 answers a megabyte with 413 without hashing it', async () => {
    const { phone } = await aCitizen(server);
    const answer = await submit([
      ['account', phone],
      ['password', 'm'.repeat(1024 * 1024)],
    ]);
    expect(answer).to.deep.equal({ status: 413, hashes: 0, isOn: false });
  });

  for (const [what, typed] of [
    ['000000', '000000'],
    ['the word null', 'null'],
    ['the word undefined', 'undefined'],
    ['full-width digits for the digits', 'Plum-Bridge-７７７７'],
    ['spaces around it', ' Plum-Bridge-7777 '],
    ['another case', 'plum-bridge-7777'],
    ['zero-width characters inside', 'Plum-\u200bBridge-7777'],
  ] as const) {
    it(`A-16 refuses ${what}`, async () => {
      expect(await type('Plum-Bridge-7777', typed)).to.deep.equal(compared);
    });
  }

  const right = 'Right-Pass-1';
  for (const [what, fields] of [
    ['an empty password', [['password', '']]],
    ['no password', []],
    [
      'two passwords',
      [
        ['password', right],
        ['password', right],
      ],
    ],
    ['password[]', [['password[]', right]]],
    ['password[0]', [['password[0]', right]]],
    ['password[$ne]', [['password[$ne]', 'x']]],
  ] as const) {
    it(`A-16 refuses ${what}, unhashed`, async () => {
      const { phone } = await aCitizen(server, { password: right });
      expect(await submit([['account', phone], ...fields])).to.deep.equal(refusedUnhashed);
    });
  }

  it('A-16 takes an empty account for one that does not exist', async () => {
    const fields = [['account', ''] as const, ['password', right] as const];
    expect(await submit(fields)).to.deep.equal(compared);
  });

  it('A-16 refuses two accounts and no account', async () => {
    const { phone } = await aCitizen(server, { password: right });
    const password = ['password', right] as const;
    const twice = [['account', phone] as const, ['account', phone] as const, password];
    expect(await submit(twice)).to.include({ status: 400, isOn: false });
    expect(await submit([password])).to.include({ status: 400, isOn: false });
  });
});
