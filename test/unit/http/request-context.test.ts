import { expect } from 'chai';
import Koa from 'koa';
import { pino } from 'pino';
import { originOf, requestContext } from '#http/request-context.ts';
import { serveKoa } from '../../support/koa-server.ts';

describe('http/request-context', () => {
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(line) });

  async function addressSeen(trusted: readonly string[], forwarded?: string): Promise<string> {
    const app = new Koa();
    app.use(requestContext(trusted, log));
    app.use((ctx) => {
      ctx.body = originOf(ctx).address;
    });
    const server = await serveKoa(app);
    try {
      const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
      return await (
        await fetch(`${server.origin}/interaction/abcdefghijklmnopqrstuvwxyz?secret=1`, { headers })
      ).text();
    } finally {
      await server.close();
    }
  }

  it('takes the peer’s address when no proxy is trusted, whatever the header says', async () => {
    expect(await addressSeen([], '203.0.113.9')).to.equal('127.0.0.1');
  });

  it('takes the right-most forwarded address that is not a trusted proxy', async () => {
    const trusted = ['127.0.0.0/8', '10.0.0.0/8'];
    expect(await addressSeen(trusted, '6.6.6.6, 203.0.113.9, 10.1.2.3')).to.equal('203.0.113.9');
  });

  it('writes an IPv4-mapped address as IPv4', async () => {
    expect(await addressSeen(['127.0.0.0/8'], '::ffff:203.0.113.9')).to.equal('203.0.113.9');
  });

  it('stops at what is no address, and keeps the proxy’s own', async () => {
    expect(await addressSeen(['127.0.0.0/8'], 'unknown')).to.equal('127.0.0.1');
  });

  it('logs the shape of the path, never a handle or a query', () => {
    expect(lines.join('')).to.include('/interaction/…').and.not.include('abcdefghijkl');
    expect(lines.join('')).not.to.include('secret');
  });
});
