import { expect } from 'chai';
import { parseSocialCreditCode } from '#lib/social-credit-code.ts';

describe('lib/social-credit-code', () => {
  it('accepts codes with the right check character (GB 32100)', () => {
    expect(parseSocialCreditCode('91350100M000100Y43')).to.deep.equal({
      ok: true,
      code: '91350100M000100Y43',
      regionCode: '350100',
    });
    expect(parseSocialCreditCode('91110000A000000114')).to.include({ ok: true });
  });

  it('folds lower case, full-width characters and spaces', () => {
    for (const input of [
      '91350100m000100y43',
      '９１３５０１００M000100Y43',
      ' 91350100 M000100Y4 3 ',
    ]) {
      expect(parseSocialCreditCode(input), input).to.include({ code: '91350100M000100Y43' });
    }
  });

  it('refuses every wrong check character', () => {
    for (const check of '012456789ABCDEFGHJKLMNPQRTUWXY') {
      expect(parseSocialCreditCode(`91350100M000100Y4${check}`), check).to.deep.equal({
        ok: false,
        reason: 'check_digit',
      });
    }
  });

  it('refuses letters outside the alphabet, letters in the region, other lengths', () => {
    for (const input of [
      '91350100M000100Y4Z',
      'O1350100M000100Y43',
      '9135010AM000100Y43',
      '',
      '9',
    ]) {
      expect(parseSocialCreditCode(input), input).to.deep.equal({ ok: false, reason: 'structure' });
    }
  });
});
