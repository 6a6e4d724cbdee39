import { expect } from 'chai';
import { parseResidentId, upgradeFifteenDigits } from '#lib/resident-id.ts';
import { clockAt } from '../../support/clocks.ts';

const clock = clockAt('2026-08-22T12:00:00+08:00');
const reasonOf = (input: string, at = clock) => {
  const result = parseResidentId(input, at);
  return result.ok ? 'accepted' : result.reason;
};

// GB 11643-1999, examples of the standard: 11010519491231002X and 440524188001010014.
describe('lib/resident-id', () => {
  it('reads the example of GB 11643: number, birth date, sex, region', () => {
    expect(parseResidentId('11010519491231002X', clock)).to.deep.equal({
      ok: true,
      number: '11010519491231002X',
      birthDate: '1949-12-31',
      sex: 'female',
      regionCode: '110105',
    });
  });

  it('reads an odd sequence as male', () => {
    expect(parseResidentId('110000199001010013', clock)).to.include({ sex: 'male' });
    expect(parseResidentId('11000019900101003X', clock)).to.include({ sex: 'male' });
  });

  it('folds a lower-case x, full-width characters, spaces and zero-width characters', () => {
    for (const input of [
      '11010519491231002x',
      '１１０１０５１９４９１２３１００２Ｘ',
      ' 110105 19491231 002X ',
      '110105\u200b19491231\ufeff002X',
    ]) {
      expect(parseResidentId(input, clock), input).to.include({ number: '11010519491231002X' });
    }
  });

  it('accepts residence permits of Hong Kong, Macao and Taiwan residents', () => {
    for (const input of ['810000199408230021', '820000199408230023', '830000199408230025']) {
      expect(reasonOf(input), input).to.equal('accepted');
    }
  });

  it('refuses every wrong check character', () => {
    for (const check of '0123456789') {
      expect(reasonOf(`11010519491231002${check}`)).to.equal('check_digit');
    }
  });

  it('refuses two neighbouring digits in the wrong order', () => {
    expect(reasonOf('11010519491213002X')).to.equal('check_digit');
  });

  it('refuses an impossible region although the check digit is right', () => {
    expect(reasonOf('000000199002290015')).to.equal('region');
    // A valid number of a foreigner's permanent residence card, which is no resident identity card.
    expect(reasonOf('911840199001010018')).to.equal('region');
  });

  it('refuses a day that does not exist although the check digit is right', () => {
    expect(reasonOf('110101202302290019')).to.equal('birth_date');
  });

  it('refuses a birth date in the future and accepts one of today, by days in Beijing', () => {
    const bornOn23August = '110101202608230019';
    expect(reasonOf(bornOn23August, clockAt('2026-08-22T15:59:59Z'))).to.equal('future_birth_date');
    expect(reasonOf(bornOn23August, clockAt('2026-08-22T16:00:00Z'))).to.equal('accepted');
  });

  it('accepts an age of 130 and refuses one of 131', () => {
    const bornIn1880 = '440524188001010014';
    expect(reasonOf(bornIn1880, clockAt('2010-12-31T12:00:00+08:00'))).to.equal('accepted');
    expect(reasonOf(bornIn1880, clockAt('2011-01-01T12:00:00+08:00'))).to.equal('too_old');
  });

  it('refuses a 15-digit number with a reason of its own', () => {
    expect(reasonOf('110105491231002')).to.equal('fifteen_digits');
  });

  it('refuses what is no number at all', () => {
    for (const input of [
      '',
      'zhangsan',
      'X10105194912310021',
      '1101051949123100',
      '1'.repeat(19),
    ]) {
      expect(reasonOf(input), input).to.equal('structure');
    }
  });

  it('upgrades a 15-digit number of a migrated record', () => {
    expect(upgradeFifteenDigits('110105491231002')).to.equal('11010519491231002X');
    expect(upgradeFifteenDigits('１１０１０５ 491231 002')).to.equal('11010519491231002X');
  });

  it('upgrades nothing else', () => {
    for (const input of ['', '11010519491231002X', '11010549123100', '11010549123100X']) {
      expect(upgradeFifteenDigits(input), input).to.be.undefined;
    }
  });
});
