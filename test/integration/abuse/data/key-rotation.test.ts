// ABUSE-CASES D-14: signing keys rotate under load, on two processes, while sites verify with a JWKS
// that they cache; nobody restarts anything and no verification fails.
import { expect } from 'chai';
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose';
import { runOn } from '../../../support/commands.ts';
import { describeOnPostgresql } from '../../../support/databases.ts';
import { authorizationRequest, personAt, redeem, signInAt } from '../../../support/person.ts';
import { formRequest, sendRaw } from '../../../support/raw-http.ts';
import { startSecondProcess, type SecondProcess } from '../../../support/second-process.ts';
import {
  aCitizen,
  aSite,
  startTestServer,
  type Site,
  type TestServer,
} from '../../../support/test-server.ts';

/** A day in real life: longer than any site keeps a JWKS, as every process takes it over. */
const PUBLISH_AHEAD_SECONDS = 5;
const RELOAD_SECONDS = 1;
const SITE_KEEPS_JWKS_MILLISECONDS = 1500;
const LOAD_MILLISECONDS = 10_000;

describeOnPostgresql('abuse/data: signing keys rotate under load', (current) => {
  let server: TestServer;
  let second: SecondProcess;
  before(async function () {
    this.timeout(60_000);
    const signingKeys = {
      publishAheadSeconds: PUBLISH_AHEAD_SECONDS,
      keepSeconds: 60,
      reloadSeconds: RELOAD_SECONDS,
    };
    server = await startTestServer(current(), { settings: { signingKeys } });
    second = await startSecondProcess(server, current());
  });
  after(async () => {
    await second.stop();
    await server.stop();
  });

  const ports = () => [server.running.port, second.port];
  const ask = async (port: number, request: Parameters<typeof sendRaw>[1]) => {
    const { status, body } = await sendRaw(port, request);
    return { status, body: JSON.parse(body) as Record<string, unknown> };
  };

  /** A site's view of the JWKS: fetched now and then, never because a key is unknown. */
  const cachedJwks = () => {
    let [keys, fetchedAt, fetches]: [JSONWebKeySet, number, number] = [{ keys: [] }, -Infinity, 0];
    return async () => {
      if (performance.now() - fetchedAt > SITE_KEEPS_JWKS_MILLISECONDS) {
        const port = ports()[fetches % 2] ?? 0;
        const { body } = await ask(port, { target: '/jwks', host: new URL(server.issuer).host });
        [keys, fetchedAt, fetches] = [
          body as unknown as JSONWebKeySet,
          performance.now(),
          fetches + 1,
        ];
      }
      return createLocalJWKSet(keys);
    };
  };

  const refreshRequest = ({ clientId, secret }: Site, token: string) => {
    const { headers, ...form } = formRequest({ grant_type: 'refresh_token', refresh_token: token });
    const basic = `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}`;
    return {
      ...form,
      target: '/token',
      host: new URL(server.issuer).host,
      headers: [...headers, ['Authorization', basic] as const],
    };
  };

  /** One person's tokens at a site, refreshed at both processes in turn until the time is over. */
  const keepRefreshing = async (site: Site, alg: string, until: number) => {
    const request = authorizationRequest(server, site, { scope: 'openid offline_access' });
    const { code = '' } = await signInAt(personAt(server), await aCitizen(server), request);
    const jwks = cachedJwks();
    let { body }: { body: Record<string, unknown> } = await redeem(server, site, request, code);
    const idTokens: string[] = [];
    const kids = [new Set<string>(), new Set<string>()];
    for (let turn = 0; performance.now() < until; turn += 1) {
      const port = ports()[turn % 2] ?? 0;
      const answer = await ask(port, refreshRequest(site, String(body['refresh_token'])));
      expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
      body = answer.body;
      const idToken = String(body['id_token']);
      const { protectedHeader } = await jwtVerify(idToken, await jwks(), {
        issuer: server.issuer,
        audience: site.clientId,
        algorithms: [alg],
      });
      kids[turn % 2]?.add(protectedHeader.kid ?? '');
      idTokens.push(idToken);
    }
    // What was signed with the former key is still good.
    for (const idToken of [idTokens[0] ?? '', idTokens.at(-1) ?? '']) {
      await jwtVerify(idToken, await jwks());
    }
    return { kids: kids.map((set) => [...set]), tokens: idTokens.length };
  };

  it('D-14 fails no verification, and both processes sign with the new keys', async () => {
    const sites = await Promise.all(
      ['ES256', 'RS256'].map(async (alg) => ({
        alg,
        site: await aSite(server, { id_token_signed_response_alg: alg }),
      })),
    );
    const until = performance.now() + LOAD_MILLISECONDS;
    const load = Promise.all(
      sites.flatMap(({ site, alg }) => [
        keepRefreshing(site, alg, until),
        keepRefreshing(site, alg, until),
      ]),
    );
    expect(await runOn(server, current(), 'keys', 'rotate')).to.include({ exitCode: 0 });
    const results = await load;

    for (const { kids, tokens } of results) {
      expect(tokens).to.be.above(10);
      const [atFirst = [], atSecond = []] = kids;
      expect(atFirst).to.have.length(2);
      expect(atSecond).to.deep.equal(atFirst);
    }
    const published = await server.running.services.records.signingKeys.published();
    expect(published).to.have.length(8);
  }).timeout(60_000);
});
