import { argon2Sync } from 'node:crypto';
import { expect } from 'chai';
import { deriveForeign, readForeignHash } from '#authenticators/password/imported/hash-families.ts';

/** Whether a password is the one of a text, as the hashing threads find out. */
function matches(text: string, password: string): boolean {
  const hash = readForeignHash(text);
  if (typeof hash === 'string') throw new Error(hash);
  return deriveForeign(hash, password).equals(hash.output);
}
const base64 = (bytes: Buffer | string) => Buffer.from(bytes).toString('base64');
const bare = (text: string) => text.replaceAll('=', '');

const SALT = Buffer.from('0123456789abcdef');
const argon2 = (memory: number, passes: number, parallelism: number) => {
  const message = 'Kw7-pgtm';
  const options = { message, nonce: SALT, parallelism, tagLength: 32, memory, passes };
  const output = argon2Sync('argon2id', options);
  const costs = `m=${memory},t=${passes},p=${parallelism}`;
  return `$argon2id$v=19$${costs}$${bare(base64(SALT))}$${bare(base64(output))}`;
};

// RFC 6070 and RFC 7914 §11.
const PBKDF2_SHA1 = Buffer.from('4b007901b765489abead49d926f721d065a429c1', 'hex');
const PBKDF2_SHA256 = Buffer.from(
  '55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc' +
    '49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783',
  'hex',
);
// GB/T 32905-2016, appendix A.2: SM3 of sixteen times "abcd".
const SM3 = 'debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732';
const SM3_SALT = 'abcd'.repeat(15);

const VECTORS: [string, string, string][] = [
  ['Argon2id, as OpenSSL makes it', argon2(64, 2, 1), 'Kw7-pgtm'],
  ['Argon2id with four lanes', argon2(256, 1, 4), 'Kw7-pgtm'],
  // The test vectors of crypt_blowfish.
  ['bcrypt $2a$', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW', 'U*U'],
  ['bcrypt $2y$', '$2y$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a', 'U*U*U'],
  [
    'PBKDF2-SHA-1 (RFC 6070)',
    `$pbkdf2-sha1$i=4096$${base64('salt')}$${base64(PBKDF2_SHA1)}`,
    'password',
  ],
  [
    'PBKDF2-SHA-256 (RFC 7914)',
    `$pbkdf2-sha256$i=1,l=64$${bare(base64('salt'))}$${bare(base64(PBKDF2_SHA256))}`,
    'passwd',
  ],
  [
    'PBKDF2 as passlib writes it',
    `$pbkdf2-sha256$1$${bare(base64('salt'))}$${bare(base64(PBKDF2_SHA256)).replaceAll('+', '.')}`,
    'passwd',
  ],
  ['SM3, salt first, in hexadecimal', `$sm3$o=sp$${base64(SM3_SALT)}$${SM3}`, 'abcd'],
  [
    'SM3, password first, in base64',
    `$sm3$o=ps$${base64('abcd')}$${base64(Buffer.from(SM3, 'hex'))}`,
    SM3_SALT,
  ],
  [
    'SM3 of LDAP',
    `{SM3}${base64(Buffer.concat([Buffer.from(SM3, 'hex'), Buffer.from('abcd')]))}`,
    SM3_SALT,
  ],
];

describe('authenticators/password/imported', () => {
  for (const [what, text, password] of VECTORS) {
    it(`knows the right password and a wrong one: ${what}`, () => {
      expect(matches(text, password)).to.be.true;
      expect(matches(text, `${password}x`)).to.be.false;
    });
  }

  it('refuses what is not a hash, or not one of ours', () => {
    for (const text of [
      ...['', 'Plum-Bridge-41', '5f4dcc3b5aa765d61d8327deb882cf99', '$1$salt$hash'],
      ...['$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW', '$2a$05$short'],
      ...['$2a$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW', '{SM3}', '{MD5}AAAA'],
      ...[`$sm3$o=xx$${base64('salt')}$${SM3}`, `$sm3$o=sp$$${SM3}`, `$sm3$o=sp$AAAA$${SM3}0`],
      ...['$pbkdf2-md5$1$c2FsdA$c2FsdA', '$argon2i$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$AAAA'],
      ...['$argon2id$v=19$m=64,t=1,p=1$not base64$AAAA'],
    ]) {
      expect(readForeignHash(text), text).to.equal('unknown_form');
    }
  });

  it('refuses an unsalted digest', () => {
    expect(readForeignHash(`{SHA256}${base64(Buffer.alloc(32))}`)).to.equal('unknown_form');
  });

  it('refuses what would cost more than about a second to check', () => {
    for (const text of [
      argon2(64, 1, 1).replace('m=64', 'm=262145'),
      argon2(64, 1, 1).replace('m=64,t=1', 'm=262144,t=5'),
      argon2(64, 1, 1).replace('p=1', 'p=17'),
      argon2(64, 1, 1).replace('t=1', 't=0'),
      '$2b$15$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW',
      `$pbkdf2-sha256$i=2000001$${base64('salt')}$${base64(PBKDF2_SHA256)}`,
    ]) {
      expect(readForeignHash(text), text).to.equal('too_costly');
    }
  });
});
