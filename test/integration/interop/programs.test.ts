/** What differs between HTTP libraries: Accept, Basic encoding, clocks, and empty answers. */
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { describeOnEachDatabase } from '../../support/databases.ts';
import { aSite, startTestServer, type TestServer } from '../../support/test-server.ts';

const RESERVED = "p+lus/per%cent :colon=&~!*'() end";
/** What Java's HttpURLConnection sends unless it is told otherwise. */
const JAVA_ACCEPT = 'text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2';
const MACHINE = { grant_types: ['client_credentials'], redirect_uris: [] };

describeOnEachDatabase('interop/programs', (current) => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer(current());
  });
  after(() => server.stop());

  const post = (path: string, fields: Record<string, string>, headers: Record<string, string>) =>
    fetch(`${server.issuer}${path}`, {
      method: 'POST',
      headers,
      body: new URLSearchParams(fields),
    });
  const basic = (id: string, secret: string) =>
    `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;

  for (const path of ['/token', '/token/introspection', '/token/revocation', '/request', '/me']) {
    it(`${path} refuses in JSON whoever prefers HTML`, async () => {
      const answer = await post(path, { client_id: 'nobody' }, { accept: JAVA_ACCEPT });
      expect(answer.status).to.be.within(400, 401);
      expect(answer.headers.get('content-type')).to.match(/^application\/json/);
      expect(await answer.json()).to.have.property('error');
    });
  }

  it('reads a secret with reserved characters from Basic, in both encodings of a space', async () => {
    const { clientId } = await aSite(server, { ...MACHINE, client_secret: RESERVED });
    const percent = encodeURIComponent(RESERVED);
    for (const encoded of [percent, percent.replaceAll('%20', '+')]) {
      const authorization = basic(clientId, encoded);
      const answer = await post('/token/introspection', { token: 'x' }, { authorization });
      expect(answer.status).to.equal(200);
    }
  });

  it('accepts the client_id in the body beside Basic, and no other', async () => {
    const site = await aSite(server, MACHINE);
    const fields = { grant_type: 'client_credentials', client_id: site.clientId };
    const headers = { authorization: basic(site.clientId, site.secret) };
    expect((await post('/token', fields, headers)).status).to.equal(200);
    const other = await post('/token', { ...fields, client_id: 'somebody' }, headers);
    expect(other.status).to.equal(400);
  });

  it('answers a revocation with nothing, and without a type', async () => {
    const site = await aSite(server, { token_endpoint_auth_method: 'none' });
    const answer = await post('/token/revocation', { token: 'x', client_id: site.clientId }, {});
    expect(answer.status).to.equal(200);
    expect(answer.headers.get('content-type')).to.equal(null);
    expect(await answer.text()).to.equal('');
  });

  it('accepts assertions of clocks that are ten seconds off, not of one that is a minute', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
    const { clientId } = await aSite(server, {
      ...MACHINE,
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'k' }] },
    });
    const statuses = [];
    for (const offset of [-10, 10, 60]) {
      const now = Math.floor(Date.now() / 1000) + offset;
      const claims = { iss: clientId, sub: clientId, aud: server.issuer, jti: randomUUID() };
      const assertion = await new SignJWT({ ...claims, iat: now, nbf: now, exp: now + 60 })
        .setProtectedHeader({ alg: 'ES256', kid: 'k' })
        .sign(privateKey);
      const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
      const fields = { token: 'x', client_assertion_type: type, client_assertion: assertion };
      statuses.push((await post('/token/introspection', fields, {})).status);
    }
    expect(statuses).to.deep.equal([200, 200, 401]);
  });
});
