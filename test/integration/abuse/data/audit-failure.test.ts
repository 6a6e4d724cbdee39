// ABUSE-CASES C-12: what cannot be recorded does not happen.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { COOKIE_NAMES } from '#http/host-cookies.ts';
import { CookieBrowser, type Page } from '../../../support/cookie-browser.ts';
import { runOn } from '../../../support/commands.ts';
import { asOwner, describeOnEachDatabase } from '../../../support/databases.ts';
import {
  authorizationRequest,
  callbackOf,
  decide,
  enterPassword,
  personAt,
  signInAt,
} from '../../../support/person.ts';
import { aCitizen, aSite, startTestServer, type TestServer } from '../../../support/test-server.ts';

describeOnEachDatabase('abuse/data: the audit log cannot be written', (current) => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer(current());
  });
  after(() => server.stop());
  afterEach(() => repairAudit());

  const breakAudit = () =>
    asOwner(current(), (owner) => owner.raw('REVOKE INSERT ON audit_events FROM yirentong_app'));
  const repairAudit = () =>
    asOwner(current(), (owner) => owner.raw('GRANT INSERT ON audit_events TO yirentong_app'));
  const expectUnavailable = (page: Page) => {
    expect(page.status).to.equal(503);
    expect(page.headers.get('retry-after')).to.match(/^[1-9]\d*$/);
  };
  const liveSessionsOf = (accountId: string) =>
    server.running.services.records.sessions.listOf(accountId);

  it('C-12 answers a wrong password with 503', async () => {
    const [site, citizen, browser] = [
      await aSite(server),
      await aCitizen(server),
      personAt(server),
    ];
    const page = await browser.open(authorizationRequest(server, site).url);
    await breakAudit();
    expectUnavailable(await enterPassword(browser, page, { ...citizen, password: 'Wrong-1234' }));
  });

  it('C-12 answers the right password with 503, knows no device and signs nobody in', async () => {
    const [site, citizen, browser] = [
      await aSite(server),
      await aCitizen(server),
      personAt(server),
    ];
    const page = await browser.open(authorizationRequest(server, site).url);
    await breakAudit();
    expectUnavailable(await enterPassword(browser, page, citizen));
    expect(await liveSessionsOf(citizen.accountId)).to.deep.equal([]);
    const { db } = current();
    expect(await db('known_devices').where({ account_id: citizen.accountId })).to.deep.equal([]);

    await repairAudit();
    expect(callbackOf(await enterPassword(browser, page, citizen))).to.have.property('code');
  });

  it('C-12 takes back a session that began and could not be recorded', async () => {
    const [site, citizen] = [await aSite(server), await aCitizen(server)];
    const browser = new CookieBrowser(({ pathname }) => /^\/auth\/./.test(pathname));
    const page = await browser.open(authorizationRequest(server, site).url);
    const onTheWay = await enterPassword(browser, page, citizen);
    expect(new URL(onTheWay.url).pathname).to.match(/^\/auth\/./);

    await breakAudit();
    const resumed = new CookieBrowser(undefined, { windowOf: browser });
    expectUnavailable(await resumed.open(onTheWay.url));
    expect([...resumed.cookies(server.issuer).keys()]).not.to.include(COOKIE_NAMES.session);
    expect(await liveSessionsOf(citizen.accountId)).to.deep.equal([]);
  });

  it('C-12 remembers no consent that could not be recorded, and asks again', async () => {
    const site = await aSite(server, { government: false, scope: 'openid profile' });
    const [citizen, browser] = [await aCitizen(server), personAt(server)];
    const { url } = authorizationRequest(server, site, { scope: 'openid profile' });
    const consentPage = await enterPassword(browser, await browser.open(url), citizen);
    await breakAudit();
    expectUnavailable(await decide(browser, consentPage));
    const { accountId } = citizen;
    expect(await current().db('consents').where({ account_id: accountId })).to.deep.equal([]);

    await repairAudit();
    const again = await browser.open(url);
    expect(again.text).to.include('/consent"');
    expect(callbackOf(await decide(browser, again))).to.have.property('code');
  });

  it('C-12 fails `account lock` and leaves the account as it was', async () => {
    const citizen = await aCitizen(server);
    await signInAt(personAt(server), citizen, authorizationRequest(server, await aSite(server)));
    await breakAudit();
    const lock = () => runOn(server, current(), 'account', 'lock', citizen.username, 'stolen');
    expect((await lock()).exitCode).to.equal(1);
    const { accounts } = server.running.services.records;
    expect(await accounts.find(citizen.accountId)).to.include({ status: 'active' });

    await repairAudit();
    expect(await lock()).to.deep.equal({
      exitCode: 0,
      output: 'The account is locked; 1 sessions ended.',
    });
    expect(await accounts.find(citizen.accountId)).to.include({ status: 'locked' });
  });

  it('C-12 fails `client register` and registers nothing', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'yrt-client-'));
    const file = join(directory, 'site.json');
    const redirect_uris = ['https://unrecorded.example/callback'];
    writeFileSync(file, JSON.stringify({ client_id: 'unrecorded', redirect_uris }));
    try {
      await breakAudit();
      const { exitCode, output } = await runOn(server, current(), 'client', 'register', file);
      expect(exitCode).to.equal(1);
      expect(output).not.to.include('client_secret');
      const { clients } = server.running.services.records;
      expect((await clients.findPublished('unrecorded')).value).to.equal(undefined);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('C-12 fails `keys rotate` and publishes no key', async () => {
    const { signingKeys } = server.running.services.records;
    const before = await signingKeys.published();
    await breakAudit();
    expect((await runOn(server, current(), 'keys', 'rotate', '--now')).exitCode).to.equal(1);
    expect(await signingKeys.published()).to.deep.equal(before);
  });
});
