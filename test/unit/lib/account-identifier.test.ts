import { expect } from 'chai';
import { parseAccountIdentifier, parseUsername } from '#lib/account-identifier.ts';
import { clockAt } from '../../support/clocks.ts';

const clock = clockAt('2026-08-22T12:00:00+08:00');
const parse = (input: string) => parseAccountIdentifier(input, clock);

describe('lib/account-identifier', () => {
  it('recognizes a phone in any spelling', () => {
    const phone = { kind: 'phone', value: '+8613800138000' };
    expect(parse('13800138000')).to.deep.equal(phone);
    expect(parse('+86 138-0013-8000')).to.deep.equal(phone);
  });

  it('recognizes an ID number', () => {
    const number = { kind: 'resident_id', value: '11010519491231002X' };
    expect(parse('11010519491231002x')).to.deep.equal(number);
  });

  it('folds the case and width of a user name', () => {
    expect(parse(' Zhang.San_1-a ')).to.deep.equal({ kind: 'username', value: 'zhang.san_1-a' });
    expect(parse('ｚｈａｎｇ')).to.deep.equal({ kind: 'username', value: 'zhang' });
  });

  it('takes user names of 4 to 32 characters that begin with a letter', () => {
    expect(parseUsername('a'.repeat(4))).to.equal('aaaa');
    expect(parseUsername('a'.repeat(32))).to.equal('a'.repeat(32));
    for (const input of [
      'aaa',
      'a'.repeat(33),
      '1abc',
      '_abc',
      'zhang san',
      '张三张三',
      'a@b.cn',
    ]) {
      expect(parseUsername(input), input).to.be.undefined;
    }
  });

  it('never takes the number of a document or an organization for a user name', () => {
    for (const input of [
      ...['E12345678', 'EA1234567', 'G12345678', 'H12345678', 'M12345678', 'ABC123456789012'],
      'N2110000MA00000A1E',
    ]) {
      expect(parse(input), input).to.be.undefined;
    }
  });

  it('leaves undefined what can be no account', () => {
    for (const input of ['', ' ', '110105491231002', '110105194912310021', '1'.repeat(1_000_000)]) {
      expect(parse(input), input.slice(0, 20)).to.be.undefined;
    }
  });
});
