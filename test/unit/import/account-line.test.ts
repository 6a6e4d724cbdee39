import { expect } from 'chai';
import { readAccountLine } from '#import/account-line.ts';
import { clockAt } from '../../support/clocks.ts';

const clock = clockAt('2026-11-23T12:00:00+08:00');
const read = (line: object | string) =>
  readAccountLine(typeof line === 'string' ? line : JSON.stringify(line), clock);
const problemsOf = (line: object | string) => {
  const result = read(line);
  return result.ok ? [] : result.problems.map(({ field, reason }) => `${field}: ${reason}`);
};

const NUMBER = '11010519491231002X';
const FULL = {
  username: 'Zhang.Shili',
  phone: '138 0013 8001',
  phone_verified: true,
  email: 'zhang@example.com',
  name: ' 张示例 ',
  id_number: '１１０１０５19491231002x',
  real_name_level: 4,
  real_name_time: '2024-05-01T08:00:00+08:00',
  evidence: 'gov-2024/000123',
  password: 'Plum-Bridge-41',
};

describe('import/account-line', () => {
  it('folds a line to the forms that are stored', () => {
    const result = read(FULL);
    expect(result.ok && result.line).to.deep.equal({
      status: 'active',
      username: 'zhang.shili',
      phone: '+8613800138001',
      phoneVerified: true,
      email: 'zhang@example.com',
      emailVerified: false,
      level: 4,
      levelAt: new Date('2024-05-01T00:00:00Z'),
      evidence: 'gov-2024/000123',
      documents: [{ type: 'resident_id', number: NUMBER, name: '张示例', validTo: undefined }],
      password: 'Plum-Bridge-41',
      passwordHash: undefined,
    });
  });

  it('takes documents with their validity, the first one as the primary', () => {
    const documents = [
      { type: 'resident_id', number: NUMBER, name: '张示例', valid_to: '2030-01-31' },
      { type: 'resident_id', number: '440524188001010014', name: '张示例' },
    ];
    expect(problemsOf({ phone: '13800138001', documents: documents.slice(0, 1) })).to.be.empty;
    const result = read({ phone: '13800138001', documents: documents.slice(0, 1) });
    expect(result.ok && result.line.documents[0]).to.include({ validTo: '2030-01-31' });
    expect(problemsOf({ phone: '13800138001', documents })).to.deep.equal([
      'documents.number: too_old',
    ]);
  });

  it('completes a number of fifteen digits, as migrated records have them', () => {
    const result = read({ phone: '13800138001', name: '张示例', id_number: '110105491231002' });
    expect(result.ok && result.line.documents[0]?.number).to.equal(NUMBER);
  });

  it('gives level 1 without a document and level 2 with one, unless told', () => {
    const levelOf = (line: object) => {
      const result = read(line);
      return result.ok ? result.line.level : undefined;
    };
    expect(levelOf({ phone: '13800138001' })).to.equal(1);
    expect(levelOf({ phone: '13800138001', name: '张示例', id_number: NUMBER })).to.equal(2);
  });

  const REFUSED: [string, object | string, string[]][] = [
    ['no JSON', '{"phone":', [': not_json']],
    ['no object', '"13800138001"', [': type']],
    ['an unknown field', { phone: '13800138001', Passwort: 'x' }, ['Passwort: unknown_field']],
    ['a wrong type', { phone: 13800138001 }, ['phone: type']],
    [
      'a bad phone and a bad user name',
      { phone: '12', username: '1' },
      ['username: form', 'phone: form'],
    ],
    [
      'a name without a number',
      { phone: '13800138001', name: '张' },
      ['id_number: name_and_number_together'],
    ],
    [
      'a wrong check digit',
      { ...FULL, id_number: '110105194912310021' },
      ['id_number: check_digit'],
    ],
    ['an impossible region', { ...FULL, id_number: '000000199002290015' }, ['id_number: region']],
    ['a name that is none', { ...FULL, name: '<b>' }, ['name: form']],
    ['a mail address that is none', { ...FULL, email: 'zhang' }, ['email: form']],
    ['a level out of range', { ...FULL, real_name_level: 6 }, ['real_name_level: form']],
    [
      'level 3 without a document',
      { phone: '13800138001', real_name_level: 3 },
      ['real_name_level: needs_document'],
    ],
    ['evidence that is a text', { ...FULL, evidence: '张示例 at window 3' }, ['evidence: form']],
    ['nothing to find the account by', { email: 'zhang@example.com' }, ['phone: no_identifier']],
    ['a number at level 2 only', { name: '张示例', id_number: NUMBER }, ['phone: no_identifier']],
    [
      'password and hash',
      { ...FULL, password_hash: '{SM3}x' },
      ['password: password_or_hash', 'password_hash: unknown_form'],
    ],
    ['an unknown status', { ...FULL, status: 'cancelled' }, ['status: form']],
    [
      'a document of an unknown type',
      { phone: '13800138001', documents: [{ type: 'visa', number: '1', name: '张' }] },
      ['documents.type: form'],
    ],
  ];
  for (const [what, line, problems] of REFUSED) {
    it(`refuses ${what}`, () => {
      expect(problemsOf(line)).to.deep.equal(problems);
    });
  }

  it('never quotes the line, not even a field name that is data in the wrong place', () => {
    for (const line of [
      { [NUMBER]: '张示例' },
      { 张示例: NUMBER },
      { ...FULL, phone: 'Secret-Phone', email: 'Secret-Mail', evidence: 'Secret Evidence' },
      { ...FULL, password: undefined, password_hash: 'Secret-Hash' },
    ]) {
      expect(problemsOf(line)).not.to.be.empty;
      expect(JSON.stringify(problemsOf(line))).not.to.match(/Secret|张示例|11010519/);
    }
  });
});
