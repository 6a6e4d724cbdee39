import { expect } from 'chai';
import { describeOnAnyDatabase } from '../../support/databases.ts';
import type { RawAnswer } from '../../support/raw-http.ts';
import { headerOf, send } from '../../support/site-forms.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';

const DISCOVERY = '/.well-known/openid-configuration';

/** All headers but the time of day. */
const headersOf = ({ headers }: RawAnswer) =>
  Object.fromEntries([...headers].filter(([name]) => name !== 'date'));

describeOnAnyDatabase('http/ready-answers', (current) => {
  let server: TestServer;
  before(async function () {
    this.timeout(60_000);
    server = await startTestServer(current());
  });
  after(() => server.stop());

  const requestsLogged = () => server.logLines.filter((line) => line.includes('"request"')).length;
  /** The application's own answer: it takes any case, ready answers have one address. */
  const longWay = (target: string) => send(server, { target: target.toUpperCase() });

  for (const target of [DISCOVERY, '/jwks']) {
    it(`${target}: answers as the application does, without it`, async () => {
      const first = await longWay(target);
      const before = requestsLogged();
      const ready = await send(server, { target });
      expect(requestsLogged(), 'requests that the application saw').to.equal(before);
      expect(ready.status).to.equal(200);
      expect(ready.body).to.equal(first.body);
      expect(headersOf(ready)).to.deep.equal(headersOf(first));
      expect(headerOf(ready, 'cache-control')).to.equal('public, max-age=300');
    });

    it(`${target}: HEAD has the headers and no body`, async () => {
      const full = await send(server, { target });
      const head = await send(server, { target, method: 'HEAD' });
      expect(head.status).to.equal(200);
      expect(head.body).to.equal('');
      expect(headersOf(head)).to.deep.equal(headersOf(full));
    });

    it(`${target}: says 304 to who has it, and all of it to who has another`, async () => {
      const etag = headerOf(await send(server, { target }), 'etag') ?? '';
      for (const [known, status] of [
        [etag, 304],
        [`W/${etag}, "other"`, 304],
        ['"other"', 200],
      ] as const) {
        const answer = await send(server, { target, headers: [['If-None-Match', known]] });
        expect(answer.status, known).to.equal(status);
        expect(answer.body === '', known).to.equal(status === 304);
        expect(headerOf(answer, 'etag'), known).to.equal(etag);
      }
    });

    it(`${target}: names the origin of browser code that asks`, async () => {
      await send(server, { target });
      const origin = 'https://spa.example';
      const answer = await send(server, { target, headers: [['Origin', origin]] });
      expect(headerOf(answer, 'access-control-allow-origin')).to.equal(origin);
      const plain = await send(server, { target });
      expect(headerOf(plain, 'access-control-allow-origin')).to.equal('*');
      expect(headerOf(plain, 'vary')).to.equal('Origin');
    });

    it(`${target}: is refused under another name and with two`, async () => {
      await send(server, { target });
      expect((await send(server, { target, host: 'evil.example' })).status).to.equal(421);
      const twice = { target, headers: [['HOST', 'evil.example']] as const };
      expect((await send(server, twice)).status).to.equal(400);
    });
  }

  it('shows the new keys from the moment that they are published', async () => {
    const before = await send(server, { target: '/jwks' });
    const { holder, records } = server.running.services;
    await records.signingKeys.rotate({ publishAheadSeconds: 60, keepSeconds: 60 });
    await holder.reload();
    const after = await send(server, { target: '/jwks' });
    const keys = ({ body }: RawAnswer) => (JSON.parse(body) as { keys: unknown[] }).keys.length;
    expect(keys(after)).to.equal(2 * keys(before));
    expect(headerOf(after, 'etag')).not.to.equal(headerOf(before, 'etag'));
  });
});
