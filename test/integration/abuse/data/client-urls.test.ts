// ABUSE-CASES C-07: a registration cannot aim this server at its own network.
import { expect } from 'chai';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { hostname } from 'node:os';
import { ClientMetadataInvalid } from '#clients/client-metadata.ts';
import { describeOnEachDatabase } from '../../../support/databases.ts';
import { LocalServers } from '../../../support/local-server.ts';
import { until } from '../../../support/outbox.ts';
import { authorizationRequest, personAt, signInAt } from '../../../support/person.ts';
import { aCitizen, aSite, startTestServer, type TestServer } from '../../../support/test-server.ts';

const INTERNAL = [
  ...['127.0.0.1', '127.1', '2130706433', '0x7f000001', '0177.0.0.1', '0.0.0.0', 'localhost'],
  ...['LOCALHOST', 'localhost.', 'a.localhost', '[::1]', '[::]', '[::ffff:127.0.0.1]'],
  ...['10.0.0.5', '172.16.3.4', '192.168.1.1', '100.64.0.1', '169.254.169.254', '[fe80::1]'],
  ...['[fd00::1]', '[::ffff:a00:5]', '[64:ff9b::a00:5]', '[2002:a00:5::1]', '192.0.2.1'],
  ...['198.18.0.1', '224.0.0.1', '255.255.255.255', '168.63.129.16'],
];
const FIELDS = ['jwks_uri', 'backchannel_logout_uri'];
const OTHER_FORMS = [
  'http://site.example/logout',
  'ftp://site.example/logout',
  'file:///etc/passwd',
  'gopher://site.example/_x',
  'https://user:password@site.example/logout',
  'https://',
  '//site.example/logout',
];

describeOnEachDatabase('abuse/data: where a registration points', (current) => {
  const local = new LocalServers();
  let server: TestServer;
  let connections = 0;
  let port = 0;
  before(async () => {
    server = await startTestServer(current());
    port = await local.start((_request, response) => {
      connections += 1;
      response.end('{"keys":[]}');
    });
  });
  after(async () => {
    await server.stop();
    await local.stopAll();
  });

  const isRefused = async (metadata: Record<string, unknown>) => {
    try {
      await aSite(server, { client_id: 'c-07', ...metadata });
      return false;
    } catch (error) {
      if (!(error instanceof ClientMetadataInvalid)) throw error;
      return true;
    }
  };

  for (const field of FIELDS) {
    it(`C-07 refuses internal addresses as ${field}, in every spelling`, async () => {
      const accepted: string[] = [];
      for (const host of INTERNAL) {
        for (const url of [`https://${host}/x`, `https://${host}:8443/x`, `http://${host}/x`]) {
          if (!(await isRefused({ [field]: url }))) accepted.push(url);
        }
      }
      expect(accepted).to.deep.equal([]);
      const { clients } = server.running.services.records;
      expect((await clients.findPublished('c-07')).value).to.equal(undefined);
    });

    it(`C-07 refuses other schemes, credentials and broken URLs as ${field}`, async () => {
      const accepted: string[] = [];
      for (const url of OTHER_FORMS) if (!(await isRefused({ [field]: url }))) accepted.push(url);
      expect(accepted).to.deep.equal([]);
    });
  }

  it('C-07 accepts a public https address in both', async () => {
    const url = 'https://site.example/x';
    expect(await isRefused({ jwks_uri: url, backchannel_logout_uri: url })).to.equal(false);
  });

  /** As if the registration had been made before the network changed, or its name resolved anew. */
  const change = async (clientId: string, changes: Readonly<Record<string, unknown>>) => {
    await current().db.transaction(async (trx) => {
      const [row] = await trx<{ client_id: string; version: number; metadata: object }>(
        'client_versions',
      ).where({ client_id: clientId });
      if (!row) throw new Error('no such client');
      const metadata = JSON.stringify({ ...row.metadata, ...changes });
      const version = row.version + 1;
      await trx('client_versions').insert({ ...row, metadata, version });
      await trx('clients').where({ client_id: clientId }).update({ published_version: version });
    });
  };

  for (const host of ['127.0.0.1', 'localhost', hostname()]) {
    it(`C-07 fetches no keys from ${host}, whatever is registered`, async () => {
      const { privateKey, publicKey } = await generateKeyPair('ES256');
      const site = await aSite(server, {
        token_endpoint_auth_method: 'private_key_jwt',
        token_endpoint_auth_signing_alg: 'ES256',
        jwks: { keys: [await exportJWK(publicKey)] },
      });
      const jwks_uri = `http://${host}:${port}/jwks`;
      await change(site.clientId, { jwks: undefined, jwks_uri });
      const assertion = await new SignJWT()
        .setProtectedHeader({ alg: 'ES256', kid: 'any' })
        .setIssuer(site.clientId)
        .setSubject(site.clientId)
        .setAudience(server.issuer)
        .setJti('c-07')
        .setIssuedAt()
        .setExpirationTime('1 minute')
        .sign(privateKey);
      const answer = await fetch(`${server.issuer}/token`, {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'authorization_code',
          code: 'x',
          client_id: site.clientId,
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion: assertion,
        }),
      });
      expect(answer.status).to.be.within(400, 401);
      expect(connections).to.equal(0);
    });

    it(`C-07 sends no logout notice to ${host}, whatever is registered`, async () => {
      const site = await aSite(server);
      const backchannel_logout_uri = `http://${host}:${port}/logout`;
      await change(site.clientId, { backchannel_logout_uri });
      const citizen = await aCitizen(server);
      await signInAt(personAt(server), citizen, authorizationRequest(server, site));
      const { services } = server.running;
      const { records, pages } = services;
      const [session] = await records.sessions.listOf(citizen.accountId);
      const { db } = current();
      const attemptsBefore = Number((await db('outbox_attempts').count())[0]?.['count']);
      await pages.sessionEnding.end(session?.uid ?? '', 'signed_out', {
        ...{ requestId: 'c-07', address: '', userAgent: '', channel: 'web' },
      });
      await until(async () => {
        const tried = await db('outbox_attempts').whereNotNull('outcome').count();
        return Number(tried[0]?.['count']) > attemptsBefore;
      });
      expect(connections).to.equal(0);
    });
  }
});
