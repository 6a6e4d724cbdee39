import { expect } from 'chai';
import { request } from 'undici';
import { createStaticFiles } from '#http/static-files.ts';
import { startKoa, type KoaServer } from '../../support/koa-server.ts';

describe('http/static-files', () => {
  const { middleware, asset } = createStaticFiles();
  let server: KoaServer;
  let origin: string;

  before(async () => {
    server = await startKoa(middleware, (ctx) => {
      ctx.body = 'next';
    });
    ({ origin } = server);
  });
  after(() => server.close());

  it('serves a linked file for ever, with its type and a strong ETag', async () => {
    const answer = await fetch(origin + asset('tokens.css'));
    expect(answer.status).to.equal(200);
    expect(answer.headers.get('content-type')).to.equal('text/css; charset=utf-8');
    expect(answer.headers.get('cache-control')).to.equal('public, max-age=31536000, immutable');
    expect(answer.headers.get('etag')).to.match(/^"[\w-]{16}"$/);
    expect(await answer.text()).to.include('--ink');
  });

  it('asks the browser to check again when the version is missing or old', async () => {
    for (const query of ['', '?v=old']) {
      const answer = await fetch(`${origin}/assets/tokens.css${query}`);
      expect(answer.headers.get('cache-control')).to.equal('no-cache');
      await answer.arrayBuffer();
    }
  });

  it('answers 304 to a browser that has the file', async () => {
    const etag = /v=(.*)$/.exec(asset('tokens.css'))?.[1] ?? '';
    // undici's plain request: fetch() would add Cache-Control: no-cache, which asks for a full answer.
    const answer = await request(origin + asset('tokens.css'), {
      headers: { 'If-None-Match': `"${etag}"` },
    });
    expect(answer.statusCode).to.equal(304);
    await answer.body.dump();
  });

  it('serves scripts in folders, as modules want them', async () => {
    const answer = await fetch(origin + asset('elements/countdown.js'));
    expect(answer.headers.get('content-type')).to.equal('text/javascript; charset=utf-8');
    await answer.arrayBuffer();
  });

  it('answers HEAD without a body', async () => {
    const answer = await fetch(origin + asset('mark.svg'), { method: 'HEAD' });
    expect(answer.status).to.equal(200);
    expect(Number(answer.headers.get('content-length'))).to.be.greaterThan(100);
  });

  for (const path of ['none.css', '', '..%2flayout.eta', 'toString']) {
    it(`finds nothing at /assets/${path}`, async () => {
      const answer = await fetch(`${origin}/assets/${path}`);
      expect(answer.status).to.equal(404);
      await answer.arrayBuffer();
    });
  }

  it('refuses other methods', async () => {
    const answer = await fetch(origin + asset('mark.svg'), { method: 'POST' });
    expect(answer.status).to.equal(405);
  });

  it('leaves other paths to the next middleware', async () => {
    expect(await (await fetch(`${origin}/account`)).text()).to.equal('next');
  });

  it('does not let a page link a file that is not there', () => {
    expect(() => asset('none.css')).to.throw('no file views/assets/none.css');
  });
});
