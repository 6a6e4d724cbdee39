import { expect } from 'chai';
import { fold, foldNumber } from '#lib/fold.ts';

describe('lib/fold', () => {
  it('makes full-width letters and digits ASCII', () => {
    expect(fold('Ｚｈａｎｇ１２３')).to.equal('Zhang123');
  });

  it('trims spaces, also ideographic and no-break ones, but keeps those inside', () => {
    expect(fold('\u3000\u00a0 zhang san\t\n')).to.equal('zhang san');
  });

  it('removes invisible characters wherever they stand', () => {
    expect(fold('\ufeff1\u200b3\u200d8\u2060\u00ad\u202e')).to.equal('138');
  });

  it('trims a space that stood behind an invisible character', () => {
    expect(fold('138 \u200b')).to.equal('138');
  });

  it('removes the spaces inside a number', () => {
    expect(foldNumber(' 138 0013\u30008000 ')).to.equal('13800138000');
  });
});
