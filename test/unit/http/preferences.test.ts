import { inspect } from 'node:util';
import { bodyParser } from '@koa/bodyparser';
import { expect } from 'chai';
import {
  LOCALE_COOKIE,
  LOOK_COOKIE,
  changePreferences,
  readPreferences,
  safeReturnPath,
} from '#http/preferences.ts';
import { startKoa } from '../../support/koa-server.ts';

const cookies = (jar: Record<string, string>) => (name: string) => jar[name];
const read = (jar: Record<string, string>, acceptLanguage?: string, uiLocales?: string) =>
  readPreferences(cookies(jar), { 'accept-language': acceptLanguage }, uiLocales);

describe('http/preferences: readPreferences', () => {
  it('is Chinese and standard for a browser that says nothing', () => {
    expect(read({})).to.deep.equal({ locale: 'zh-CN', look: 'standard' });
  });

  it('follows the browser’s language', () => {
    expect(read({}, 'fr, en-GB;q=0.8, zh;q=0.5').locale).to.equal('en');
  });

  it('prefers what the site asked for to the browser’s language', () => {
    expect(read({}, 'zh-CN', 'fr en').locale).to.equal('en');
  });

  it('prefers the person’s own choice to what the site asked for', () => {
    expect(read({ [LOCALE_COOKIE]: 'zh-CN' }, 'en', 'en').locale).to.equal('zh-CN');
  });

  it('ignores cookies with values of somebody else’s making', () => {
    const jar = { [LOCALE_COOKIE]: '<script>', [LOOK_COOKIE]: 'toString' };
    expect(read(jar, 'en')).to.deep.equal({ locale: 'en', look: 'standard' });
  });

  it('remembers the elder look', () => {
    expect(read({ [LOOK_COOKIE]: 'elder' }).look).to.equal('elder');
  });
});

describe('http/preferences: safeReturnPath', () => {
  for (const path of [
    '/',
    '/account',
    '/auth?client_id=a&state=%2F%2Fx',
    '/interaction/a_b-C/password',
  ]) {
    it(`lets ${path} through`, () => expect(safeReturnPath(path)).to.equal(path));
  }

  const elsewhere = [
    ...['//evil.example', '/\\evil.example', '\\\\evil.example', 'https://evil.example'],
    ...['/\t/evil.example', '/\n/evil.example', ' /account', '/a\r\nSet-Cookie: x', 'account', ''],
    ...['javascript:alert(1)', '/\u0000', '/账号', `/${'a'.repeat(9000)}`, undefined, ['/account']],
  ];
  for (const value of elsewhere) {
    it(`refuses ${inspect(value).slice(0, 40)}`, () => {
      expect(safeReturnPath(value)).to.equal(undefined);
    });
  }
});

/** What POST /preferences answers. */
async function post(form: Record<string, string>) {
  const server = await startKoa(bodyParser(), changePreferences);
  const answer = await fetch(`${server.origin}/preferences`, {
    ...{ method: 'POST', body: new URLSearchParams(form), redirect: 'manual' },
  });
  await answer.arrayBuffer();
  await server.close();
  return {
    status: answer.status,
    location: answer.headers.get('location'),
    cookies: answer.headers.getSetCookie(),
  };
}

describe('http/preferences: changePreferences', () => {
  it('remembers a language and goes back where the person was', async () => {
    const answer = await post({ locale: 'en', return_to: '/interaction/x?a=1' });
    expect(answer).to.deep.include({ status: 303, location: '/interaction/x?a=1' });
    expect(answer.cookies).to.have.length(1);
    expect(answer.cookies[0]).to.match(/^__Host-yrt-locale=en; path=\/; expires=/);
    for (const attribute of ['secure', 'httponly', 'samesite=lax']) {
      expect(answer.cookies[0]?.toLowerCase()).to.include(`; ${attribute}`);
    }
  });

  it('remembers a look and leaves the language alone', async () => {
    const { cookies: set } = await post({ look: 'elder', return_to: '/' });
    expect(set).to.have.length(1);
    expect(set[0]).to.match(/^__Host-yrt-look=elder;/);
  });

  it('refuses to lead away from this server', async () => {
    const answer = await post({ locale: 'en', return_to: '//evil.example' });
    expect(answer).to.deep.equal({ status: 400, location: null, cookies: [] });
  });

  it('refuses an unknown value', async () => {
    expect((await post({ look: 'huge', return_to: '/' })).status).to.equal(400);
  });
});
