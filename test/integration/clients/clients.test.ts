import { expect } from 'chai';
import { ClientMetadataInvalid } from '#clients/client-metadata.ts';
import { ClientSecrets } from '#clients/client-secrets.ts';
import { Clients, type PublishedClient } from '#clients/clients.ts';
import { createEphemeralKeyRing } from '#crypto/key-ring.ts';
import { ChangeFeed } from '#store/change-feed.ts';
import { movableClock } from '../../support/clocks.ts';
import { describeOnEachDatabase } from '../../support/databases.ts';

const accept = () => undefined;
const secrets = new ClientSecrets(createEphemeralKeyRing().only('client_secret'));

describeOnEachDatabase('clients/clients', (current) => {
  let clients: Clients;
  let count = 0;
  let file: { client_id: string; redirect_uris: string[] };
  beforeEach(() => {
    const { db } = current();
    clients = new Clients({ db, secrets, clock: movableClock(), feed: new ChangeFeed({ db }) });
    file = { client_id: `site-${(count += 1)}`, redirect_uris: ['https://a.example/callback'] };
  });
  const published = async () => (await clients.findPublished(file.client_id)).value;

  it('registers a site and generates its secret', async () => {
    const { newSecret = '', ...registration } = await clients.register(file, accept);
    expect(registration).to.deep.equal({
      outcome: 'registered',
      clientId: file.client_id,
      version: 1,
    });
    const found = await published();
    expect(found?.metadata).to.deep.include(file);
    expect(secrets.matches(found?.secretHash ?? '', newSecret)).to.equal(true);
  });

  it('changes nothing when the same file comes again, whatever the order of its fields', async () => {
    await clients.register(file, accept);
    const before = await published();
    const { client_id, redirect_uris } = file;
    for (const again of [file, { redirect_uris, client_id }]) {
      expect(await clients.register(again, accept)).to.deep.equal({
        outcome: 'unchanged',
        clientId: client_id,
        version: 1,
      });
    }
    expect(await published()).to.deep.equal(before);
  });

  it('changes nothing when the same secret comes again', async () => {
    const withSecret = { ...file, client_secret: '0123456789abcdef' };
    await clients.register(withSecret, accept);
    const before = await published();
    expect(await clients.register(withSecret, accept)).to.include({ outcome: 'unchanged' });
    expect(await published()).to.deep.equal(before);
  });

  it('publishes a change as the next version and keeps the secret', async () => {
    await clients.register(file, accept);
    const before = await published();
    const changed = { ...file, client_name: '新名字' };
    expect(await clients.register(changed, accept)).to.deep.equal({
      outcome: 'changed',
      clientId: file.client_id,
      version: 2,
    });
    const after = await published();
    expect(after?.metadata).to.include({ client_name: '新名字' });
    expect(after?.secretHash).to.equal(before?.secretHash);
  });

  it('replaces the secret by one that the file names', async () => {
    await clients.register(file, accept);
    const given = { ...file, client_secret: 'fedcba9876543210' };
    const { outcome, newSecret } = await clients.register(given, accept);
    expect([outcome, newSecret]).to.deep.equal(['changed', undefined]);
    const hash = (await published())?.secretHash ?? '';
    expect(secrets.matches(hash, 'fedcba9876543210')).to.equal(true);
  });

  it('drops the secret when the site no longer authenticates with one', async () => {
    await clients.register(file, accept);
    const publicSite = { ...file, token_endpoint_auth_method: 'none' };
    expect(await clients.register(publicSite, accept)).to.include({ outcome: 'changed' });
    expect((await published())?.secretHash).to.equal(undefined);
  });

  it('refuses a secret where the authentication method has none', async () => {
    const input = {
      ...file,
      token_endpoint_auth_method: 'none',
      client_secret: '0123456789abcdef',
    };
    const error = await clients.register(input, accept).catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(ClientMetadataInvalid);
    expect(await published()).to.equal(undefined);
  });

  it('stores nothing that the check refuses', async () => {
    await clients.register(file, accept);
    const refuse = ({ metadata }: PublishedClient) => {
      expect(metadata).to.include({ client_name: '新名字' });
      throw new ClientMetadataInvalid(['client_name: no']);
    };
    const changed = { ...file, client_name: '新名字' };
    const error = await clients.register(changed, refuse).catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(ClientMetadataInvalid);
    expect(await published()).to.include({ version: 1 });
  });

  it('registers once when the same file comes ten times at the same moment', async () => {
    const results = await Promise.all(
      Array.from({ length: 10 }, () => clients.register(file, accept)),
    );
    const outcomes = results.map(({ outcome }) => outcome).sort();
    expect(outcomes).to.deep.equal(['registered', ...Array<string>(9).fill('unchanged')]);
    expect(results.filter(({ newSecret }) => newSecret !== undefined)).to.have.length(1);
  });

  it('finds no site that is disabled, retired or unknown', async () => {
    await clients.register(file, accept);
    for (const status of ['disabled', 'retired'] as const) {
      expect(await clients.changeStatus(file.client_id, status), status).to.equal(true);
      expect(await clients.changeStatus(file.client_id, status), status).to.equal(false);
      expect(await published(), status).to.equal(undefined);
    }
    for (const unknown of ['nobody', 'no\0body']) {
      expect(await clients.findPublished(unknown)).to.deep.equal({ value: undefined, version: 0 });
    }
  });
});
