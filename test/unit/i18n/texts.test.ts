import { expect } from 'chai';
import type { RefusalReason } from '#authenticators/authenticator.ts';
import type { SignInRefusal } from '#http/pages.ts';
import { en } from '#i18n/en.ts';
import { isTextKey } from '#i18n/translate.ts';
import { zhCN, type TextKey } from '#i18n/zh-CN.ts';
import { ERRORS } from '#lib/errors.ts';

const keys = Object.keys(zhCN) as TextKey[];
const placeholders = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([name]) => name).sort();

/** Every reason an authenticator may give; a new one that is missing here does not compile. */
const REASONS: Record<RefusalReason, true> = {
  ...{ wrong_answer: true, not_enrolled: true, expired: true, replayed: true },
};

describe('i18n', () => {
  it('has the same placeholders in both languages', () => {
    const different = keys.filter(
      (key) => placeholders(zhCN[key]).join() !== placeholders(en[key]).join(),
    );
    expect(different).to.deep.equal([]);
  });

  it('has no empty text', () => {
    expect(keys.filter((key) => zhCN[key].trim() === '' || en[key].trim() === '')).to.be.empty;
  });

  it('has no Chinese in the English texts but the name of the language', () => {
    const mixed = keys.filter((key) => /\p{Script=Han}/u.test(en[key]));
    expect(mixed).to.deep.equal(['layout.language.other']);
  });

  it('says 登录, never 登陆, and 您, never 你', () => {
    expect(keys.filter((key) => /登陆|你/.test(zhCN[key]))).to.be.empty;
  });

  it('writes digits half-width and punctuation full-width in Chinese', () => {
    const wrong = keys.filter((key) => /[０-９]|\p{Script=Han}[,;:?!](?!\/)/u.test(zhCN[key]));
    expect(wrong).to.be.empty;
  });

  it('says what happened and what to do next for every error', () => {
    for (const code of Object.keys(ERRORS)) {
      expect(isTextKey(`error.${code}`) && isTextKey(`error.${code}.next`), code).to.equal(true);
    }
  });

  it('says why an answer was refused and what to do next', () => {
    const reasons: SignInRefusal[] = ['locked', 'rate_limited', 'busy'];
    for (const reason of [...(Object.keys(REASONS) as RefusalReason[]), ...reasons]) {
      expect(isTextKey(`refusal.${reason}`) && isTextKey(`refusal.${reason}.next`)).to.equal(true);
    }
  });

  it('does not tell a missing account from a wrong password', () => {
    for (const texts of [zhCN, en]) {
      expect(texts['refusal.not_enrolled']).to.equal(texts['refusal.wrong_answer']);
      expect(texts['refusal.not_enrolled.next']).to.equal(texts['refusal.wrong_answer.next']);
    }
  });
});
