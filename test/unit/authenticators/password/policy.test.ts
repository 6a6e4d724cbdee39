import { expect } from 'chai';
import { readCommonPasswords } from '#authenticators/password/common-passwords.ts';
import { objectionsTo, type PersonalData } from '#authenticators/password/policy.ts';
import { settingsSchema } from '#config/settings.ts';

const options = {
  settings: settingsSchema.parse({}).password,
  commonPasswords: readCommonPasswords(),
};
const check = (password: string, person: PersonalData = {}) =>
  objectionsTo(password, person, options);

describe('authenticators/password/policy', () => {
  it('accepts eight characters of three classes', () => {
    expect(check('Kw7-pgtm')).to.be.empty;
    expect(check('kw7-pgtm')).to.be.empty;
    expect(check('海Kw7pgtm')).to.be.empty;
  });

  it('refuses seven characters', () => {
    expect(check('Kw7-pgt')).to.deep.equal(['too_short']);
  });

  it('refuses fourteen characters of two classes and accepts fifteen of any', () => {
    expect(check('kwpgtmrdxvbn47')).to.deep.equal(['too_simple']);
    expect(check('kwpgtmrdxvbnhsz')).to.be.empty;
    expect(check('床前明月光疑是地上霜举头望明月')).to.be.empty;
  });

  it('counts characters, not UTF-16 units or combining marks', () => {
    expect(check('𠮷𠮷a1')).to.include('too_short');
    expect(check('e\u0301'.repeat(7))).to.include('too_short');
  });

  it('accepts 256 characters and refuses 257 without a further look', () => {
    const long = 'Kw7-pgtmRdx9'.repeat(22);
    expect(check(long.slice(0, 256))).to.be.empty;
    expect(check(long.slice(0, 257))).to.deep.equal(['too_long']);
  });

  it('refuses common passwords, whatever their case, width and the signs around them', () => {
    for (const password of [
      ...[
        'Password1',
        'P@ssw0rd',
        '1qaz@WSX',
        'Woaini1314',
        'Wang@123456',
        'Aa123456',
        'Qwer1234!',
      ],
      ...['!!Woaini1314..', 'Ｗｏａｉｎｉ１３１４', 'Zhang5201314', 'Admin@123'],
    ]) {
      expect(check(password), password).to.include('common');
    }
  });

  it('refuses repetitions and runs that are long enough for any class', () => {
    for (const password of [
      ...['1'.repeat(15), 'Ab1!'.repeat(4), '123456789012345', '543210987654321'],
      ...['abcdefghijklmno', 'lkjhgfdsapoiuyt', 'zyxwvutsrqponml', 'qwertyuiopasdfg'],
    ]) {
      expect(check(password), password).to.include('common');
    }
  });

  it('refuses the person’s own data inside, however it is written', () => {
    const person: PersonalData = {
      username: 'zhang.shili',
      email: 'shilizhang@example.com',
      phone: '+8613800138001',
      idNumber: '110101199003070011',
      birthDate: '1990-03-07',
    };
    for (const password of [
      ...[
        'Zhang.Shili+7xK',
        'zhangshili7xK-',
        'My-ShiliZhang-7',
        'Kx+13800138001',
        'Kx-0013-8001q',
      ],
      ...[
        'Kx+110101199003070011',
        'Kx-070011-Kx',
        'Kx-19900307-K',
        'Kx-1990-03-07',
        'Kx-90.03.07-',
      ],
    ]) {
      expect(check(password, person), password).to.deep.equal(['personal']);
      expect(check(password), password).to.be.empty;
    }
  });

  it('ignores pieces of personal data that are too short to mean anything', () => {
    expect(check('Kw7-pgtm-li', { email: 'li@example.com' })).to.be.empty;
    expect(check('Kw7-pgtm', { email: '@', username: '' })).to.be.empty;
  });

  it('tells every objection at once', () => {
    const person = { username: 'wang' };
    expect(check('wang123', person)).to.deep.equal(['too_short', 'personal']);
    expect(check('wang1234', person)).to.deep.equal(['too_simple', 'common', 'personal']);
  });

  it('has an offline list of lower-case passwords that are not too short', () => {
    expect(options.commonPasswords.size).to.be.greaterThan(15_000);
    for (const password of options.commonPasswords) {
      expect(password.toLowerCase(), password).to.equal(password);
      expect(Array.from(password).length, password).to.be.at.least(8);
    }
  });
});
