import { expect } from 'chai';
import { maskEmail, maskName, maskPhone, maskResidentId } from '#lib/mask.ts';

describe('lib/mask', () => {
  it('masks a name: surname of two, first and last of more', () => {
    expect(maskName('张三')).to.equal('张*');
    expect(maskName('张小三')).to.equal('张*三');
    expect(maskName('欧阳修文')).to.equal('欧**文');
    expect(maskName('张')).to.equal('*');
    expect(maskName('')).to.equal('*');
  });

  it('counts a rare character outside the basic plane as one', () => {
    expect(maskName('𠮷三')).to.equal('𠮷*');
  });

  it('masks an ID number: first three and last four remain', () => {
    expect(maskResidentId('110101199003071234')).to.equal('110***********1234');
    expect(maskResidentId('11010519491231002X')).to.equal('110***********002X');
  });

  it('masks a phone, in E.164 and as people write it', () => {
    expect(maskPhone('+8613800138000')).to.equal('138****8000');
    expect(maskPhone('13800138000')).to.equal('138****8000');
  });

  it('masks a mail address: first character and host remain', () => {
    expect(maskEmail('zhang@example.com')).to.equal('z***@example.com');
    expect(maskEmail('z@example.com')).to.equal('z***@example.com');
  });

  it('hides altogether what has no expected shape', () => {
    expect(maskResidentId('12345')).to.equal('*****');
    expect(maskPhone('12345')).to.equal('*****');
    expect(maskEmail('zhang')).to.equal('***');
    expect(maskEmail('@example.com')).to.equal('***');
  });
});
