import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:http';
import { expect } from 'chai';
import { createEphemeralKeyRing } from '#crypto/key-ring.ts';
import { describeOnAnyDatabase } from '../../support/databases.ts';
import { postAsSite } from '../../support/person.ts';
import { aSite, startTestServer } from '../../support/test-server.ts';

interface Span {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly attributes: readonly { key: string; value: Record<string, unknown> }[];
}
interface TraceRequest {
  readonly resourceSpans: readonly { scopeSpans: readonly { spans: readonly Span[] }[] }[];
}

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const TRACEPARENT = `00-${TRACE}-00f067aa0ba902b7-01`;

describeOnAnyDatabase('traces of a server', (current) => {
  const keys = createEphemeralKeyRing();

  /** Spans and raw bodies of one token request, as an OTLP collector gets them. */
  async function spansOfAToken(trustedProxies: readonly string[]) {
    const bodies: string[] = [];
    const types: string[] = [];
    const collector = createServer((request, response) => {
      let body = '';
      types.push(
        `${request.method ?? ''} ${request.url ?? ''} ${request.headers['content-type'] ?? ''}`,
      );
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        bodies.push(body);
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      });
    }).listen(0, '127.0.0.1');
    await once(collector, 'listening');
    const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}/v1/traces`;
    const server = await startTestServer(current(), {
      keys,
      settings: { otel: { endpoint, sampleRatio: 1 }, trustedProxies },
    });
    const site = await aSite(server, { grant_types: ['client_credentials'], redirect_uris: [] });
    await fetch(`${server.issuer}/help?secret=canary-1`, { headers: { traceparent: TRACEPARENT } });
    await postAsSite(server, site, '/token', { grant_type: 'client_credentials' });
    await server.stop();
    collector.close();
    const requests = bodies.map((body) => JSON.parse(body) as TraceRequest);
    const spans = requests.flatMap(({ resourceSpans }) =>
      resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)),
    );
    return { spans, types, text: bodies.join('\n'), site };
  }

  it('sends a span per request and per store operation, without anything of the request', async () => {
    const { spans, types, text, site } = await spansOfAToken([]);
    expect(types[0]).to.equal('POST /v1/traces application/json');
    const token = spans.find(({ name }) => name === 'POST /token');
    const children = spans.filter(({ parentSpanId }) => parentSpanId === token?.spanId);
    expect(children.map(({ name }) => name)).to.include('records.put');
    const status = token?.attributes.find(({ key }) => key === 'http.response.status_code');
    expect(status?.value).to.deep.equal({ intValue: 200 });
    for (const secret of ['canary-1', site.secret, site.clientId]) {
      expect(text).to.not.include(secret);
    }
  });

  it('ignores the traceparent of strangers', async () => {
    const { spans } = await spansOfAToken([]);
    expect(spans.find(({ name }) => name === 'GET /help')?.traceId).to.not.equal(TRACE);
  });

  it('continues the trace of a trusted proxy', async () => {
    const { spans } = await spansOfAToken(['127.0.0.0/8', '::1/128']);
    expect(spans.find(({ name }) => name === 'GET /help')).to.include({
      traceId: TRACE,
      parentSpanId: '00f067aa0ba902b7',
    });
  });
});
