import { expect } from 'chai';
import { describeOnAnyDatabase } from '../../support/databases.ts';
import { authorizationRequest, enterPassword, personAt } from '../../support/person.ts';
import { aCitizen, aSite, startTestServer, type TestServer } from '../../support/test-server.ts';

describeOnAnyDatabase('metrics of a server', (current) => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer(current());
  });
  after(() => server.stop());

  const metrics = () => server.running.metrics.registry.metrics();

  it('has every name that dashboards and alarms rely on', async () => {
    const text = await metrics();
    for (const name of [
      'http_request_duration_seconds',
      'http_requests_in_flight',
      'sign_ins_total',
      'shed_total',
      'hash_queue_length',
      'outbox_pending',
      'outbox_oldest_seconds',
      'outbox_finished_total',
      'audit_queue_length',
      'change_feed_age_seconds',
      'event_loop_delay_seconds',
      'job_failures_total',
      'ready',
      ...(current().kind === 'postgresql'
        ? ['database_pool_waiting', 'database_pool_used', 'database_breaker_open']
        : []),
      'database_breaker_opened_total',
    ]) {
      expect(text).to.include(`# TYPE yirentong_${name} `);
    }
  });

  it('counts sign-ins by method and outcome, and names nobody', async () => {
    const site = await aSite(server);
    const citizen = await aCitizen(server);
    const person = personAt(server);
    const page = await person.open(authorizationRequest(server, site).url);
    await enterPassword(person, page, { ...citizen, password: 'wrong-password-1' });
    const text = await metrics();
    expect(text).to.match(
      /^yirentong_sign_ins_total\{method="password",outcome="wrong_answer"\} 1$/m,
    );
    for (const value of [citizen.phone, citizen.accountId, site.clientId, citizen.username]) {
      expect(text).to.not.include(value);
    }
  });

  it('knows the pattern of every path that discovery and the pages have', async () => {
    const discovery = await fetch(`${server.issuer}/.well-known/openid-configuration`);
    const document = (await discovery.json()) as Record<string, unknown>;
    const endpoints = Object.entries(document).filter(([name]) => /_endpoint$|_uri$/.test(name));
    for (const [, url] of endpoints) await fetch(String(url), { redirect: 'manual' });
    for (const path of ['/help', '/privacy', '/agreement', '/account', '/signed-out', '/']) {
      await fetch(`${server.issuer}${path}`, { redirect: 'manual' });
    }
    expect(await metrics()).to.not.include('route="other"');
  });
});
