import { expect } from 'chai';
import { createRenderer, type PageSurroundings } from '#http/render.ts';
import { pageErrorOf, type Pages } from '#http/pages.ts';
import { LOOKS } from '#http/preferences.ts';
import { createStaticFiles } from '#http/static-files.ts';
import { LOCALES } from '#i18n/translate.ts';
import { everySample, samples } from '../../support/page-samples.ts';

const operator = {
  name: '市政务服务数据管理局',
  filing: '京ICP备00000000号',
  policeFiling: '京公网安备00000000000000号',
  helpPhone: '12345',
};
const renderer = createRenderer({
  operator,
  asset: createStaticFiles().asset,
  preferencesCsrf: () => 'token',
});
const plain: PageSurroundings = {
  locale: 'zh-CN',
  look: 'standard',
  returnTo: '/account',
  preferencesCsrf: 'token',
};
const show = <P extends keyof Pages>(page: P, model: Pages[P], change = {}) =>
  renderer.toHtml(page, model, { ...plain, ...change });

describe('http/pages', () => {
  for (const { name, page, model } of everySample) {
    for (const locale of LOCALES) {
      for (const look of LOOKS) {
        it(`shows ${name} in ${locale}, ${look}`, () => {
          const html = show(page, model, { locale, look });
          expect(html).to.include(`<html lang="${locale}" data-look="${look}">`);
          expect(html.match(/<h1/g)).to.have.length(1);
          expect(html).to.not.match(/undefined|\[object |NaN|\{\w+\}(?!")/);
        });
      }
    }
  }

  it('has neither inline script nor inline style, which the CSP refuses', () => {
    for (const { page, model } of everySample) {
      expect(show(page, model)).to.not.match(/\sstyle=|<style|\son\w+=|<script(?![^>]* src=)/);
    }
  });

  it('has no Chinese of ours left on an English page', () => {
    const html = show(
      'sign-in/password',
      { ...samples['sign-in/password'], site: undefined },
      {
        locale: 'en',
      },
    );
    const main = html.slice(html.indexOf('<main'), html.indexOf('</main>'));
    expect(main).to.not.match(/\p{Script=Han}/u);
  });
});

describe('http/pages: what a site may not do with its texts', () => {
  const hostile = '<script>alert(1)</script>"onload=x\u202egnp.exe\u200b';

  it('escapes markup in names, purposes and values', () => {
    const html = show('consent', {
      ...samples.consent,
      site: { name: hostile, department: hostile },
      purpose: hostile,
      required: [{ name: hostile, values: [{ claim: hostile, value: hostile }], reason: hostile }],
    });
    expect(html).to.not.include('<script>alert');
    expect(html).to.include('&lt;script&gt;alert(1)&lt;/script&gt;&quot;onload=xgnp.exe');
  });

  it('drops characters that turn the reading direction or cannot be seen', () => {
    const html = show('signed-out', { siteName: hostile, returnHref: 'https://a.example/' });
    expect(html).to.not.match(/[\u202e\u200b]/);
  });

  it('makes no link of a javascript: address', () => {
    const html = show('signed-out', { siteName: 'A', returnHref: 'javascript:alert(1)' });
    expect(html).to.not.include('javascript:');
  });
});

describe('http/pages: pageErrorOf', () => {
  it('has a text for a protocol error', () => {
    expect(pageErrorOf('access_denied')).to.equal('oidc.access_denied');
  });

  it('calls any other error a bad request', () => {
    expect(pageErrorOf('constructor')).to.equal('oidc.invalid_request');
  });
});
