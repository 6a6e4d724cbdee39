import { expect } from 'chai';
import Koa from 'koa';
import { createEphemeralKeyRing } from '#crypto/key-ring.ts';
import { CookieSignerWithKeys } from '#crypto/cookie-signer.ts';
import { COOKIE_NAMES, useHostCookies } from '#http/host-cookies.ts';
import { serveKoa } from '../../support/koa-server.ts';

describe('http/host-cookies', () => {
  const signer = new CookieSignerWithKeys(createEphemeralKeyRing().only('cookies'));

  /** One request to an application that does `act` with its cookies. */
  async function answerTo(path: string, cookie: string, act: (ctx: Koa.Context) => void) {
    const app = new Koa();
    app.keys = signer;
    useHostCookies(app, signer);
    app.use((ctx) => {
      act(ctx);
      ctx.body ??= '';
    });
    const server = await serveKoa(app);
    try {
      const response = await fetch(`${server.origin}${path}`, { headers: { cookie } });
      return { cookies: response.headers.getSetCookie(), text: await response.text() };
    } finally {
      await server.close();
    }
  }

  it('gives every cookie the prefix’s attributes, whatever path it was set for', async () => {
    const { cookies } = await answerTo('/auth', '', (ctx) => {
      ctx.cookies.set(COOKIE_NAMES.interaction, 'uid-1', {
        path: '/interaction/uid-1',
        signed: true,
      });
    });
    expect(cookies).to.have.length(2);
    for (const cookie of cookies) {
      expect(cookie).to.match(/^__Host-yrt-interaction\.uid-1(?:\.sig)?=/);
      expect(cookie)
        .to.match(/path=\/;/)
        .and.match(/samesite=lax/i);
      expect(cookie)
        .to.match(/; secure/i)
        .and.match(/; httponly/i);
    }
  });

  it('reads the cookie of the interaction in the path, and no other', async () => {
    const value = `${COOKIE_NAMES.interaction}.uid-1=uid-1`;
    const cookie = `${value}; ${COOKIE_NAMES.interaction}.uid-1.sig=${signer.sign(value)}`;
    const read = (ctx: Koa.Context) => {
      ctx.body = ctx.cookies.get(COOKIE_NAMES.interaction, { signed: true }) ?? 'none';
    };
    expect((await answerTo('/interaction/uid-1/password', cookie, read)).text).to.equal('uid-1');
    expect((await answerTo('/interaction/uid-2/password', cookie, read)).text).to.equal('none');
  });

  it('does not read a cookie whose signature is another’s', async () => {
    const cookie = `${COOKIE_NAMES.session}=x; ${COOKIE_NAMES.session}.sig=${signer.sign('other')}`;
    const { text } = await answerTo('/account', cookie, (ctx) => {
      ctx.body = ctx.cookies.get(COOKIE_NAMES.session, { signed: true }) ?? 'none';
    });
    expect(text).to.equal('none');
  });

  it('forgets abandoned interactions before their cookies overflow the header', async () => {
    const old = Array.from({ length: 16 }, (_, tab) => [
      `${COOKIE_NAMES.interaction}.tab-${tab}=1`,
      `${COOKIE_NAMES.resume}.tab-${tab}=1`,
    ]).flat();
    const { cookies } = await answerTo('/auth', old.join('; '), (ctx) => {
      ctx.cookies.set(COOKIE_NAMES.interaction, 'new', { path: '/interaction/new', signed: true });
    });
    const gone = cookies.filter((cookie) => /expires=Thu, 01 Jan 1970/i.test(cookie));
    expect(gone).to.have.length(32);
  });
});
