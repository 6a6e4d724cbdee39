import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { createEgress, type EgressLimits, type Resolver } from '#http/egress.ts';
import { limits, LOOPBACK, refusal, toLoopback } from '../../support/egress.ts';
import { LocalServers } from '../../support/local-server.ts';

describe('http/egress: the answer', () => {
  const servers = new LocalServers();
  afterEach(() => servers.stopAll());

  const local = (changes: Partial<EgressLimits> = {}) =>
    createEgress(limits({ allowedPrivateCidrs: LOOPBACK, ...changes }), toLoopback);

  for (const status of [301, 302, 303, 307, 308]) {
    it(`is refused when it redirects with ${status}; the target is not asked`, async () => {
      let asked = 0;
      const port = await servers.start((request, response) => {
        asked += 1;
        response.writeHead(request.url === '/' ? status : 200, { location: '/elsewhere' }).end();
      });
      const fetching = () => local().fetch(`http://rp.example:${port}/`, { redirect: 'follow' });
      expect(await refusal(fetching)).to.equal('redirect');
      expect(asked).to.equal(1);
    });
  }

  it('is cut off when it grows past the limit, without reading the rest', async () => {
    let closedEarly = false;
    const port = await servers.start((_, response) => {
      const timer = setInterval(() => response.write(Buffer.alloc(600)), 5);
      response.on('close', () => {
        closedEarly = true;
        clearInterval(timer);
      });
    });
    expect(await refusal(() => local().fetch(`http://rp.example:${port}/`))).to.equal('too_large');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(closedEarly).to.equal(true);
  });

  it('is counted after decompression', async () => {
    const port = await servers.start((_, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(9999))),
    );
    expect(await refusal(() => local().fetch(`http://rp.example:${port}/`))).to.equal('too_large');
  });

  it('is handed over decompressed when it is small', async () => {
    const port = await servers.start((_, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('{"keys":[]}')),
    );
    const response = await local().fetch(`http://rp.example:${port}/`);
    expect(await response.json()).to.deep.equal({ keys: [] });
    expect(response.headers.has('content-encoding')).to.equal(false);
  });

  it('is given up when its headers never come', async () => {
    const port = await servers.start(() => undefined);
    const egress = local({ timeoutMilliseconds: 100 });
    expect(await refusal(() => egress.fetch(`http://rp.example:${port}/`))).to.equal('timeout');
  });

  it('is given up when its body drips past the time for the whole request', async () => {
    const port = await servers.start((_, response) => {
      const timer = setInterval(() => response.write('.'), 20);
      response.on('close', () => {
        clearInterval(timer);
      });
    });
    const egress = local({ timeoutMilliseconds: 150 });
    expect(await refusal(() => egress.fetch(`http://rp.example:${port}/`))).to.equal('timeout');
  });

  it('is given up when the name does not resolve in time', async () => {
    const silent: Resolver = () => new Promise(() => undefined);
    const egress = createEgress(limits({ timeoutMilliseconds: 50 }), silent);
    expect(await refusal(() => egress.fetch('https://rp.example/'))).to.equal('timeout');
  });

  it('obeys the caller’s signal too', async () => {
    const port = await servers.start(() => undefined);
    const fetching = () =>
      local({ timeoutMilliseconds: 60_000 }).fetch(`http://rp.example:${port}/`, {
        signal: AbortSignal.timeout(50),
      });
    expect(await refusal(fetching)).to.equal('timeout');
  });

  it('is refused as a page when JSON was asked for', async () => {
    const port = await servers.start((_, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('<p>intranet</p>'),
    );
    const fetching = () =>
      local().fetch(`http://rp.example:${port}/`, { headers: { Accept: 'application/json' } });
    expect(await refusal(fetching)).to.equal('content_type');
  });

  for (const type of ['application/json; charset=utf-8', 'application/jwk-set+json']) {
    it(`is accepted as ${type} when JSON was asked for`, async () => {
      const port = await servers.start((_, response) =>
        response.writeHead(200, { 'content-type': type }).end('{}'),
      );
      const headers = { Accept: 'application/json' };
      const response = await local().fetch(`http://rp.example:${port}/`, { headers });
      expect(response.status).to.equal(200);
    });
  }
});
