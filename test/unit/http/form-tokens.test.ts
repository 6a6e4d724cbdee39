import { createSecretKey } from 'node:crypto';
import { expect } from 'chai';
import Koa, { type Context } from 'koa';
import { CookieSignerWithKeys } from '#crypto/cookie-signer.ts';
import { createEphemeralKeyRing, KeyRing, type SecretKey } from '#crypto/key-ring.ts';
import { FormTokens } from '#http/form-tokens.ts';
import { useHostCookies } from '#http/host-cookies.ts';
import { AppError } from '#lib/errors.ts';
import { serveKoa } from '../../support/koa-server.ts';

const ISSUER = 'https://id.example.gov.cn';
const key = (kid: string): SecretKey => ({ kid, secret: createSecretKey(Buffer.alloc(32, kid)) });
const tokensWith = (...keys: SecretKey[]) =>
  new FormTokens(new KeyRing(new Map([['csrf', keys]])).only('csrf'), ISSUER);

describe('http/form-tokens', () => {
  const signer = new CookieSignerWithKeys(createEphemeralKeyRing().only('cookies'));
  const tokens = tokensWith(key('key-a'));

  /** Runs `act` in a request; gives its result, or the code it was refused with, and the cookies. */
  async function inRequest(
    act: (ctx: Context) => string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    const app = new Koa();
    useHostCookies(app, signer);
    app.use((ctx) => {
      try {
        ctx.body = act(ctx);
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        ctx.body = error.code;
      }
    });
    const server = await serveKoa(app);
    try {
      const response = await fetch(server.origin, { headers: { ...headers } });
      const cookie = response.headers.getSetCookie().map((line) => line.split(';')[0]);
      return { text: await response.text(), cookie: cookie.join('; ') };
    } finally {
      await server.close();
    }
  }
  const issue = (scope: string) => inRequest((ctx) => tokens.issue(ctx, scope));
  const check =
    (given: unknown, scope: string, judge = tokens) =>
    (ctx: Context) => {
      judge.check(ctx, scope, given);
      return 'ok';
    };

  it('accepts its token in the browser and scope it was made for', async () => {
    const { text, cookie } = await issue('interaction:1');
    expect((await inRequest(check(text, 'interaction:1'), { cookie })).text).to.equal('ok');
  });

  it('refuses it in another scope, another browser, or none', async () => {
    const { text, cookie } = await issue('interaction:1');
    const other = await issue('interaction:1');
    expect((await inRequest(check(text, 'interaction:2'), { cookie })).text).to.equal(
      'request.csrf',
    );
    const elsewhere = await inRequest(check(text, 'interaction:1'), { cookie: other.cookie });
    expect(elsewhere.text).to.equal('request.csrf');
    expect((await inRequest(check(text, 'interaction:1'))).text).to.equal('request.csrf');
  });

  it('refuses a missing token and one that is a list', async () => {
    const { text, cookie } = await issue('a');
    for (const given of [undefined, '', [text, text], [text]]) {
      expect((await inRequest(check(given, 'a'), { cookie })).text).to.equal('request.csrf');
    }
  });

  it('refuses what another site sends, by Sec-Fetch-Site or by Origin', async () => {
    const { text, cookie } = await issue('a');
    for (const headers of [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'https://evil.example' },
      { origin: 'null' },
    ]) {
      const refused = await inRequest(check(text, 'a'), { cookie, ...headers });
      expect(refused.text, JSON.stringify(headers)).to.equal('request.csrf');
    }
    const own = { cookie, origin: ISSUER, 'sec-fetch-site': 'same-origin' };
    expect((await inRequest(check(text, 'a'), own)).text).to.equal('ok');
  });

  it('accepts tokens of the former key while a rotation runs', async () => {
    const { text, cookie } = await issue('a');
    const rotated = tokensWith(key('key-b'), key('key-a'));
    expect((await inRequest(check(text, 'a', rotated), { cookie })).text).to.equal('ok');
  });
});
