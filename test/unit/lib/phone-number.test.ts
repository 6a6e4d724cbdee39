import { expect } from 'chai';
import { normalizePhone } from '#lib/phone-number.ts';

describe('lib/phone-number', () => {
  it('gives every spelling of one number the same E.164 form', () => {
    for (const input of [
      '13800138000',
      '+8613800138000',
      '008613800138000',
      '8613800138000',
      '+86 138 0013 8000',
      '138-0013-8000',
      '(+86) 138\u20110013\u20118000',
      '１３８００１３８０００',
      '＋８６　１３８００１３８０００',
      '138\u200b0013\u200b8000\ufeff',
    ]) {
      expect(normalizePhone(input), input).to.equal('+8613800138000');
    }
  });

  it('refuses what is no mobile number of mainland China', () => {
    for (const input of [
      ...['', '1380013800', '138001380000', '12800138000', '10086', '010-62770000'],
      ...['+85261234567', '+8513800138000', '+13800138000', '13800a38000', '٠١٣٨٠٠١٣٨٠٠'],
    ]) {
      expect(normalizePhone(input), input).to.be.undefined;
    }
  });
});
