import { expect } from 'chai';
import { Consents, type ConsentDecision } from '#accounts/consents.ts';
import { movableClock } from '../../support/clocks.ts';
import { describeOnEachDatabase } from '../../support/databases.ts';
import { aCitizen, startTestServer, type TestServer } from '../../support/test-server.ts';

describeOnEachDatabase('accounts/consents', (current) => {
  const clock = movableClock();
  let server: TestServer;
  let consents: Consents;
  let accountId = '';
  before(async () => {
    server = await startTestServer(current());
    consents = new Consents(current().db, clock);
  });
  after(() => server.stop());
  beforeEach(async () => {
    accountId = (await aCitizen(server)).accountId;
  });

  const decision = (changes: Partial<ConsentDecision> = {}): ConsentDecision => ({
    ...{ accountId, clientId: 'portal', scopes: ['profile'], claims: [], rejectedScopes: [] },
    ...{ textVersion: '1', channel: 'web' },
    ...changes,
  });
  const nothing = () => Promise.resolve();

  it('remembers the last decision, for this account and this site alone', async () => {
    await consents.record(decision(), nothing);
    await consents.record(decision({ scopes: ['profile', 'phone'], claims: ['name'] }), nothing);
    expect(await consents.find(accountId, 'portal')).to.deep.equal({
      scopes: ['profile', 'phone'],
      claims: ['name'],
      rejectedScopes: [],
    });
    expect(await consents.find(accountId, 'fund')).to.equal(undefined);
  });

  it('remembers nothing when what belongs to it fails', async () => {
    const failed = await consents
      .record(decision(), () => Promise.reject(new Error('not recorded')))
      .catch((error: unknown) => error);
    expect(failed).to.have.property('message', 'not recorded');
    expect(await consents.find(accountId, 'portal')).to.equal(undefined);
  });

  it('forgets what was withdrawn, until the person agrees again', async () => {
    await consents.record(decision(), nothing);
    await consents.withdraw(accountId, 'portal');
    expect(await consents.find(accountId, 'portal')).to.equal(undefined);
    clock.advance(1);
    await consents.record(decision({ scopes: ['email'] }), nothing);
    expect(await consents.find(accountId, 'portal')).to.deep.include({ scopes: ['email'] });
  });
});
