import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import { settingsSchema } from '#config/settings.ts';
import { shedReason } from '#http/admission.ts';
import { createGate, type Answered } from '#http/gate.ts';
import { Listener } from '#http/listener.ts';
import { LoopDelay } from '#http/loop-delay.ts';
import { methodLabel, requestKind } from '#http/traffic.ts';

const limits = settingsSchema.parse({}).overload;
const calm = { inFlight: 1, loopDelayMilliseconds: 0 };

describe('http/admission', () => {
  it('lets everything in while there is room', () => {
    expect(shedReason(limits, 'page', calm)).to.equal(undefined);
  });

  it('refuses pages before programs when too much is in flight, and discovery never', () => {
    const load = { ...calm, inFlight: limits.requestsInFlight + 1 };
    expect(shedReason(limits, 'page', load)).to.equal('in_flight');
    expect(shedReason(limits, 'token', load)).to.equal(undefined);
    const more = { ...calm, inFlight: limits.requestsInFlight * 2 + 1 };
    expect(shedReason(limits, 'token', more)).to.equal('in_flight');
    expect(shedReason(limits, 'always', more)).to.equal(undefined);
  });

  it('refuses pages before programs when the event loop is late', () => {
    const load = { ...calm, loopDelayMilliseconds: limits.eventLoopMilliseconds + 1 };
    expect(shedReason(limits, 'page', load)).to.equal('event_loop');
    expect(shedReason(limits, 'token', load)).to.equal(undefined);
    expect(shedReason(limits, 'always', load)).to.equal(undefined);
  });
});

describe('http/loop-delay', () => {
  const delayOf = (...samples: number[]) => {
    const delay = new LoopDelay();
    delay.stop();
    for (const sample of samples) delay.add(sample);
    return delay;
  };

  it('takes one long task for no overload', () => {
    const delay = delayOf(...Array.from({ length: 9 }, () => 0), 900);
    expect(delay.persistent).to.equal(0);
    expect(delay.worst).to.equal(900);
  });

  it('says how late the loop was at least, for half a second', () => {
    expect(delayOf(...Array.from({ length: 10 }, (_, index) => 120 + index)).persistent).to.equal(
      120,
    );
  });
});

describe('http/traffic', () => {
  it('names requests by pattern, never by what is in them', () => {
    const routes = [
      '/auth?client_id=a',
      '/auth/x-1',
      '/interaction/abc',
      '/interaction/abc/password',
    ];
    expect(routes.map((url) => requestKind(url).route)).to.deep.equal([
      ...['/auth', '/auth/:uid', '/interaction/:uid', '/interaction/:uid/:step'],
    ]);
    expect(requestKind('/13800138000').route).to.equal('other');
    expect(methodLabel('BREW')).to.equal('other');
  });

  it('holds discovery, keys and the files of pages most urgent, then what programs ask', () => {
    expect(requestKind('/jwks').urgency).to.equal('always');
    expect(requestKind('/token').urgency).to.equal('token');
    expect(requestKind('/anything').urgency).to.equal('page');
  });
});

describe('http/gate', () => {
  const answered: Answered[] = [];
  let load = calm;
  let answer: (response: ServerResponse) => void;
  const listener = new Listener(
    createGate({
      handle: (_request, response) => answer(response),
      limits: { ...limits, requestMilliseconds: 100 },
      load: () => load,
      onAnswered: (one) => answered.push(one),
      onShed: () => undefined,
    }),
  );
  const get = (path: string, accept = '*/*') =>
    fetch(`http://127.0.0.1:${listener.port}${path}`, { headers: { accept } });

  before(() => listener.listen({ address: '127.0.0.1', port: 0 }));
  after(() => listener.stop({ waitMilliseconds: 0, drainMilliseconds: 1000 }));
  beforeEach(() => {
    answered.length = 0;
    load = calm;
    answer = (response) => response.end('answer');
  });

  it('measures every answer by route, method and status', async () => {
    await get('/interaction/0123456789abcdef/password?x=1');
    await pause(20);
    expect(answered).to.have.length(1);
    expect(answered[0]).to.include({
      route: '/interaction/:uid/:step',
      method: 'GET',
      status: 200,
    });
  });

  it('refuses with 503 and Retry-After within 100 ms, as JSON and as a page', async () => {
    load = { ...calm, inFlight: 10_000 };
    const startedAt = performance.now();
    const json = await get('/token');
    expect(performance.now() - startedAt).to.be.lessThan(100);
    expect(json.status).to.equal(503);
    expect(json.headers.get('retry-after')).to.match(/^\d+$/);
    expect(await json.json()).to.deep.equal({ error: 'server.busy' });
    const page = await get('/auth', 'text/html');
    expect(await page.text())
      .to.include('role="alert"')
      .and.include('系统繁忙');
    expect((await get('/jwks')).status).to.equal(200);
  });

  it('answers 503 for what takes longer than a request may', async () => {
    answer = () => undefined;
    const startedAt = performance.now();
    expect((await get('/token')).status).to.equal(503);
    expect(performance.now() - startedAt).to.be.within(90, 1000);
  });

  it('counts a client that left as such', async () => {
    answer = () => undefined;
    const gone = new AbortController();
    const asked = fetch(`http://127.0.0.1:${listener.port}/token`, { signal: gone.signal });
    await pause(20);
    gone.abort();
    await asked.catch(() => undefined);
    await pause(50);
    expect(answered.map(({ status }) => status)).to.deep.equal([499]);
  });

  it('knows what is in flight', async () => {
    const held: ServerResponse[] = [];
    answer = (response) => held.push(response);
    const asked = get('/token');
    while (held.length === 0) await pause(5);
    expect(listener.inFlight).to.equal(1);
    held[0]?.end();
    await asked;
    if (held[0]?.closed === false) await once(held[0], 'close');
    expect(listener.inFlight).to.equal(0);
  });
});
