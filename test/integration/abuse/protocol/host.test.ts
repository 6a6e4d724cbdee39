import { expect } from 'chai';
import { describeOnAnyDatabase } from '../../../support/databases.ts';
import { authorizationRequest, personAt, signInAt } from '../../../support/person.ts';
import { answerOn, formRequest, openSocket, sendRaw } from '../../../support/raw-http.ts';
import { codeFields, headerOf, jsonOf, send, siteForm } from '../../../support/site-forms.ts';
import {
  aCitizen,
  aSite,
  startTestServer,
  type Site,
  type TestServer,
} from '../../../support/test-server.ts';

const FOREIGN = 'evil.example';
const PATHS = [
  '/',
  '/help',
  '/account',
  '/.well-known/openid-configuration',
  '/jwks',
  '/auth?client_id=x',
  '/session/end',
  '/assets/tokens.css',
  '/absent',
];

describeOnAnyDatabase('abuse/protocol: names of the host', (current) => {
  let server: TestServer;
  let site: Site;
  let host: string;
  before(async function () {
    this.timeout(60_000);
    server = await startTestServer(current());
    site = await aSite(server);
    host = new URL(server.issuer).host;
  });
  after(() => server.stop());

  it('P-26 refuses every path for a foreign Host and repeats the name nowhere', async () => {
    const { port } = server.running;
    const foreign = [
      ...[FOREIGN, `${FOREIGN}:${port}`, `${host}.${FOREIGN}`, `${FOREIGN}#@${host}`],
      ...[`user@${host}`, `${FOREIGN}@${host}`, `${host}@${FOREIGN}`, `localhost.:${port}`],
      ...['localhost', `localhost:${port + 1}`, `localhost:0${port}`, `127.0.0.1:${port}`],
      ...[`${host}, ${FOREIGN}`, `${host} ${FOREIGN}`, `${host}/`, `//${host}`, `http://${host}`],
      ...['', `localh\u00f6st:${port}`, `\u00ff\u00fe`, `${host}\\@${FOREIGN}`, `[::1]:${port}`],
    ];
    for (const name of foreign) {
      for (const target of PATHS) {
        const answer = await sendRaw(port, { target, host: name });
        expect(answer.status, `${name} ${target}`).to.be.oneOf([400, 421]);
        expect(answer.raw, `${name} ${target}`).not.to.include(FOREIGN);
      }
    }
  });

  it('P-26 takes the name in any case, as names are', async () => {
    expect((await send(server, { target: '/jwks', host: host.toUpperCase() })).status).to.equal(
      200,
    );
  });

  it('P-26 refuses a request without Host and one with two', async () => {
    const without = await sendRaw(server.running.port, { target: '/jwks', host: undefined });
    expect(without.status).to.equal(400);
    for (const second of [FOREIGN, host]) {
      const answer = await send(server, { target: '/jwks', headers: [['Host', second]] });
      expect(answer.status, second).to.equal(400);
      expect(answer.raw).not.to.include(FOREIGN);
    }
  });

  it('P-26 refuses targets that carry a name of their own', async () => {
    for (const target of [
      `http://${FOREIGN}/jwks`,
      `http://${FOREIGN}/.well-known/openid-configuration`,
      `http://${host}/jwks`,
      `https://${FOREIGN}/help`,
      `//${FOREIGN}/jwks`,
      `//${FOREIGN}/help`,
      `http:/${FOREIGN}`,
      `${FOREIGN}:443`,
      '*',
      'jwks',
    ]) {
      const answer = await send(server, { target });
      expect(answer.status, target).to.be.oneOf([400, 404, 421]);
      expect(answer.raw.replaceAll(/name="return_to" value="[^"]*"/g, ''), target).not.to.include(
        FOREIGN,
      );
    }
  });

  it('P-26 builds nothing from headers of proxies, listed or not', async () => {
    const headers = [
      ['X-Forwarded-Host', FOREIGN],
      ['X-Forwarded-Proto', 'https'],
      ['X-Forwarded-Port', '8443'],
      ['X-Forwarded-Server', FOREIGN],
      ['X-Forwarded-Prefix', `//${FOREIGN}`],
      ['X-Original-URL', `//${FOREIGN}/`],
      ['X-Rewrite-URL', `//${FOREIGN}/`],
      ['X-Original-Host', FOREIGN],
      ['X-Host', FOREIGN],
      ['Forwarded', `host=${FOREIGN};proto=https`],
      ['Origin', `https://${FOREIGN}`],
      ['Referer', `https://${FOREIGN}/`],
    ] as const;
    const discovery = '/.well-known/openid-configuration';
    const plain = jsonOf(await send(server, { target: discovery }));
    const tricked = await send(server, { target: discovery, headers });
    expect(jsonOf(tricked)).to.deep.equal(plain);
    for (const target of PATHS) {
      const answer = await send(server, { target, headers });
      const openCors = `access-control-allow-origin: https://${FOREIGN}`;
      expect(answer.raw.toLowerCase().replace(openCors, ''), target).not.to.include(FOREIGN);
    }
  });

  it('P-26 refuses what two servers could read as different requests', async () => {
    const body = 'grant_type=client_credentials';
    const smuggled = [
      [
        ['Transfer-Encoding', 'chunked'],
        ['Content-Length', '5'],
      ],
      [
        ['Content-Length', '5'],
        ['Content-Length', '6'],
      ],
      [['Transfer-Encoding', 'xchunked']],
      [['Transfer-Encoding', 'chunked, identity']],
      [['Content-Length', '+5']],
    ];
    for (const headers of smuggled) {
      const socket = await openSocket(server.running.port);
      const answer = answerOn(socket);
      const lines = headers.map(([name, value]) => `${name ?? ''}: ${value ?? ''}\r\n`).join('');
      socket.write(`POST /token HTTP/1.1\r\nHost: ${host}\r\n${lines}\r\n0\r\n\r\n${body}`);
      setTimeout(() => socket.end(), 300);
      expect((await answer).status, JSON.stringify(headers)).to.equal(400);
    }
  });

  it('P-26 answers a header that is too large or no header at all with 400 or 431', async () => {
    const large = 'x'.repeat(20_000);
    for (const header of [
      ['Cookie', large],
      ['X-Large', large],
      ['User-Agent', large],
    ] as const) {
      expect((await send(server, { target: '/help', headers: [header] })).status).to.equal(431);
    }
    const many = Array.from({ length: 400 }, (_, i) => [`C${i}`, 'x'.repeat(40)] as const);
    expect((await send(server, { target: '/help', headers: many })).status).to.equal(431);
    expect((await send(server, { target: `/help?${large}` })).status).to.equal(431);
    for (const bytes of [
      'GET /help HTTP/1.1\r\nHost : x\r\n\r\n',
      'GET /\0 HTTP/1.1\r\n\r\n',
      '\0\0',
    ]) {
      const socket = await openSocket(server.running.port);
      const answer = answerOn(socket);
      socket.end(Buffer.from(bytes + '\r\n\r\n', 'latin1'));
      expect((await answer).status).to.equal(400);
    }
  });

  it('P-26 lets a browser on another site read nothing that names a person or a client', async () => {
    const origin = ['Origin', `https://${FOREIGN}`] as const;
    const token = siteForm(site, '/token', { grant_type: 'refresh_token', refresh_token: 'x' });
    const answer = await send(server, { ...token, headers: [...(token.headers ?? []), origin] });
    expect(answer.status).to.equal(400);
    expect(answer.headers.has('access-control-allow-origin')).to.equal(false);
    for (const target of ['/account', '/help', '/auth?client_id=x', '/session/end']) {
      const page = await send(server, { target, headers: [origin] });
      expect(page.headers.has('access-control-allow-origin'), target).to.equal(false);
    }
    for (const target of PATHS) {
      const page = await send(server, { target, headers: [origin] });
      expect(page.headers.has('access-control-allow-credentials'), target).to.equal(false);
    }
  });

  it('P-26 lets only registered origins read what is a client’s own', async () => {
    const [origin, evil] = ['https://spa.gov.example', `https://${FOREIGN}`];
    const spa = await aSite(server, {
      ...{ token_endpoint_auth_method: 'none', allowed_origins: [origin] },
      redirect_uris: ['https://callback.gov.example/cb'],
    });
    const allowedFor = async (from: string) => {
      const { headers, ...form } = formRequest({ client_id: spa.clientId, grant_type: 'x' });
      const sent = [...headers, ['Origin', from] as const];
      const answer = await send(server, { target: '/token', ...form, headers: sent });
      return headerOf(answer, 'access-control-allow-origin');
    };
    expect(await allowedFor(origin)).to.equal(origin);
    for (const other of [
      evil,
      'null',
      `${origin}.${FOREIGN}`,
      'https://callback.gov.example',
      'http://spa.gov.example',
      'https://x.spa.gov.example',
    ]) {
      expect(await allowedFor(other), other).to.equal(undefined);
    }

    const request = authorizationRequest(server, spa, { scope: 'openid' });
    const { code = '' } = await signInAt(personAt(server), await aCitizen(server), request);
    const fields = { ...codeFields(spa, request, code), client_id: spa.clientId };
    const tokens = jsonOf(await send(server, { target: '/token', ...formRequest(fields) }));
    const bearer = ['Authorization', `Bearer ${String(tokens['access_token'])}`] as const;
    for (const [from, status] of [
      [origin, 200],
      [evil, 400],
    ] as const) {
      const answer = await send(server, { target: '/me', headers: [bearer, ['Origin', from]] });
      expect(answer.status).to.equal(status);
      expect(headerOf(answer, 'access-control-allow-origin') === from).to.equal(status === 200);
      expect(answer.body.includes('"sub"')).to.equal(status === 200);
    }
  });
});
