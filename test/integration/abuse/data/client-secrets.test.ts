// ABUSE-CASES C-09: the secret of a site cannot be read again, anywhere.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { runOn } from '../../../support/commands.ts';
import { describeOnEachDatabase } from '../../../support/databases.ts';
import { dumpEverything } from '../../../support/dump.ts';
import { postAsSite } from '../../../support/person.ts';
import { startTestServer, type Site, type TestServer } from '../../../support/test-server.ts';

describeOnEachDatabase('abuse/data: the secret of a site', (current) => {
  let server: TestServer;
  let directory = '';
  before(async () => {
    server = await startTestServer(current());
    directory = mkdtempSync(join(tmpdir(), 'yrt-client-'));
  });
  after(async () => {
    rmSync(directory, { recursive: true });
    await server.stop();
  });

  const register = async (metadata: Readonly<Record<string, unknown>>) => {
    const file = join(directory, 'site.json');
    writeFileSync(file, JSON.stringify(metadata));
    const { exitCode, output } = await runOn(server, current(), 'client', 'register', file);
    expect(exitCode, output).to.equal(0);
    return output;
  };
  const registration = (clientId: string) => ({
    client_id: clientId,
    redirect_uris: [`https://${clientId}.example/callback`],
    grant_types: ['authorization_code', 'client_credentials'],
  });
  const mayAuthenticate = async (clientId: string, secret: string) => {
    const site: Site = { clientId, secret, redirectUri: '' };
    const { body } = await postAsSite(server, site, '/token', { grant_type: 'refresh_token' });
    return body.error !== 'invalid_client';
  };

  it('C-09 prints a generated secret once and never again', async () => {
    const secret = /client_secret: (\S+)/.exec(await register(registration('once')))?.[1] ?? '';
    expect(secret).to.have.length(43);
    expect(await register(registration('once'))).to.equal('once: unchanged (version 1)');
    const changed = await register({ ...registration('once'), client_name: '改名' });
    expect(changed).to.equal('once: changed (version 2)');
    expect(await mayAuthenticate('once', secret)).to.equal(true);
  });

  it('C-09 keeps no secret in the database, in the log, or on the way out', async () => {
    const given = 'canary-secret-of-a-site-0123456789';
    const output = await register({ ...registration('given'), client_secret: given });
    expect(output).not.to.include(given);
    expect(await mayAuthenticate('given', given)).to.equal(true);
    const dump = await dumpEverything(current());
    expect(dump).to.include('given');
    expect(dump).not.to.include(given);
    expect(dump).not.to.include(Buffer.from(given).toString('hex'));
    expect(server.logLines.join('\n')).not.to.include(given);
  });

  it('C-09 does not take what is stored for the secret', async () => {
    const given = 'another-secret-of-a-site-0123456789';
    await register({ ...registration('stored'), client_secret: given });
    const { clients } = server.running.services.records;
    const stored = (await clients.findPublished('stored')).value?.secretHash ?? '';
    expect(stored).to.match(/^[a-z0-9-]+\.[\w-]{43}$/);
    expect(await mayAuthenticate('stored', stored)).to.equal(false);
    expect(await mayAuthenticate('stored', stored.split('.')[1] ?? '')).to.equal(false);
    expect(await mayAuthenticate('stored', given)).to.equal(true);
  });
});
