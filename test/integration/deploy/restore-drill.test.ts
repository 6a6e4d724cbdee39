import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { createEphemeralKeyRing } from '#crypto/key-ring.ts';
import { describeOnPostgresql } from '../../support/databases.ts';
import { DrillFolder } from '../../support/drills.ts';
import { authorizationRequest, personAt, redeem, signInAt } from '../../support/person.ts';
import {
  aCitizen,
  aSite,
  startTestServer,
  type Citizen,
  type Site,
  type TestServer,
} from '../../support/test-server.ts';

/** Exits 0 when the restored server refuses a refresh token from before the back-up. */
const refusesRefresh = ({ clientId, secret }: Site, refreshToken: string) => `
  const answer = await fetch(process.env.ISSUER + '/token', {
    method: 'POST',
    headers: { authorization: 'Basic ' + btoa(${JSON.stringify(`${clientId}:${secret}`)}) },
    body: new URLSearchParams({
      grant_type: 'refresh_token', refresh_token: ${JSON.stringify(refreshToken)},
    }),
  });
  const { error } = await answer.json();
  console.log('refresh: ' + answer.status + ' ' + error);
  process.exit(answer.status === 400 && error === 'invalid_grant' ? 0 : 1);
`;

describeOnPostgresql('deploy/back-up.sh and deploy/restore-drill.sh', (current) => {
  let server: TestServer;
  let citizen: Citizen;
  let site: Site;
  let refreshToken = '';
  const folder = new DrillFolder();

  before(async function () {
    this.timeout(60_000);
    server = await startTestServer(current());
    [citizen, site] = [await aCitizen(server), await aSite(server)];
    const scope = { scope: 'openid offline_access', prompt: 'consent' };
    const request = authorizationRequest(server, site, scope);
    const { code = '' } = await signInAt(personAt(server), citizen, request);
    refreshToken = (await redeem(server, site, request, code)).body.refresh_token ?? '';
    const { exitCode, output } = await folder.backUp('dump', current().url ?? '');
    expect(exitCode, output).to.equal(0);
  });
  after(async () => {
    await server.stop();
    folder.remove();
  });

  it('restores the newest back-up, signs in, and nothing from before lives again', async () => {
    const check = join(folder.path, 'check.mjs');
    writeFileSync(check, refusesRefresh(site, refreshToken));
    expect(refreshToken).not.to.equal('');
    const CHECK = `"${process.execPath}" "${check}"`;
    const { exitCode, output } = await folder.drill(server.foundations.keys, citizen, { CHECK });
    expect(exitCode, output).to.equal(0);
    expect(output).to.include('The audit chain is whole');
    expect(output).to.include('Ended 1 sessions and every grant of 1 accounts.');
    expect(output).to.include(`${citizen.username} signs in`);
    expect(output).to.include('refresh: 400 invalid_grant');
    expect(output).to.match(/RPO: the newest event restored is of .*\nRTO: \d+ s/);
  }).timeout(120_000);

  it('leaves nothing behind', () => {
    const left = readdirSync(folder.path);
    expect(left).to.have.members(['backups', 'keys', 'password', 'check.mjs']);
  });

  it('fails with keys that do not fit, and with a password that is wrong', async () => {
    const foreign = await folder.drill(createEphemeralKeyRing(), citizen);
    expect(foreign.exitCode, foreign.output).to.equal(1);
    expect(foreign.output).to.include('FAILED: the audit chain is broken');
    const wrong = { ...citizen, password: 'Wrong-Answer-1' };
    const refused = await folder.drill(server.foundations.keys, wrong);
    expect(refused.exitCode, refused.output).to.equal(1);
    expect(refused.output).to.include('cannot sign in');
  }).timeout(120_000);
});
