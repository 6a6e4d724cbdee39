import { expect } from 'chai';
import { beijingTime, duration } from '#i18n/format.ts';
import { acceptedLanguages, negotiateLocale, translator } from '#i18n/translate.ts';
import type { TextKey } from '#i18n/zh-CN.ts';

describe('i18n/translate', () => {
  it('fills placeholders', () => {
    expect(translator('zh-CN')('sign_in.request', { site: '甲' })).to.equal('甲 请您登录');
    expect(translator('en')('sign_in.request', { site: 'A' })).to.equal('A asks you to sign in');
  });

  it('does not read placeholders out of values', () => {
    expect(translator('en')('sign_in.request', { site: '{site}$&' })).to.include('{site}$& asks');
  });

  it('throws for a key that is not there, even one every object has', () => {
    expect(() => translator('en')('constructor' as TextKey)).to.throw('no text "constructor"');
  });

  it('throws for a placeholder without a value', () => {
    expect(() => translator('en')('sign_in.request')).to.throw('no value for {site}');
  });
});

describe('i18n/translate: negotiateLocale', () => {
  it('takes the first language that we have', () => {
    expect(negotiateLocale(['fr', 'en-GB', 'zh-CN'])).to.equal('en');
  });

  it('answers any Chinese with ours', () => {
    for (const tag of ['zh', 'zh-TW', 'ZH-hans-cn', 'zh_CN']) {
      expect(negotiateLocale([tag])).to.equal('zh-CN');
    }
  });

  it('answers undefined when we have none', () => {
    expect(negotiateLocale(['fr', '', 'english', 'zha'])).to.equal(undefined);
  });
});

// RFC 9110 §12.5.4
describe('i18n/translate: acceptedLanguages', () => {
  it('orders by quality, the first of equals first', () => {
    expect(acceptedLanguages('da, en-gb;q=0.8, en;q=0.7, zh;q=0.9')).to.deep.equal([
      ...['da', 'zh', 'en-gb', 'en'],
    ]);
  });

  it('leaves out what is not accepted or makes no sense', () => {
    expect(acceptedLanguages('en;q=0, fr;q=x, ,zh')).to.deep.equal(['zh']);
    expect(acceptedLanguages(undefined)).to.deep.equal([]);
  });
});

describe('i18n/format', () => {
  it('writes Beijing time with 24 hours, midnight as 00', () => {
    expect(beijingTime(new Date('2026-11-23T06:05:09Z'))).to.equal('2026-11-23 14:05');
    expect(beijingTime(new Date('2026-11-22T16:00:00Z'))).to.equal('2026-11-23 00:00');
  });

  it('rounds a wait up', () => {
    expect(duration(29.2, 'zh-CN')).to.equal('30秒');
    expect(duration(61, 'zh-CN')).to.equal('2分钟');
    expect(duration(3601, 'zh-CN')).to.equal('2小时');
  });

  it('knows one and many in English', () => {
    expect(duration(0, 'en')).to.equal('1 second');
    expect(duration(120, 'en')).to.equal('2 minutes');
  });
});
