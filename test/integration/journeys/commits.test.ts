import { expect } from 'chai';
import type { CookieBrowser } from '../../support/cookie-browser.ts';
import { describeOnEachDatabase } from '../../support/databases.ts';
import { authorizationRequest, enterPassword, personAt, signInAt } from '../../support/person.ts';
import {
  aCitizen,
  aSite,
  startTestServer,
  type Citizen,
  type Site,
  type TestServer,
} from '../../support/test-server.ts';

describeOnEachDatabase('journeys/commits of a sign-in', (current) => {
  let server: TestServer;
  let site: Site;
  let citizen: Citizen;
  let browser: CookieBrowser;
  before(async function () {
    this.timeout(60_000);
    server = await startTestServer(current());
    site = await aSite(server);
  });
  beforeEach(async () => {
    citizen = await aCitizen(server);
    browser = personAt(server);
  });
  after(() => server.stop());

  /** The transactions that wrote the citizen's rows of a table. */
  const writersOf = async (table: string, column: string, value: string) => {
    const { db } = current();
    const rows = await db(table).where(column, value).distinct(db.raw('CAST(xmin AS text) AS x'));
    return (rows as { x: string }[]).map(({ x }) => x);
  };
  const eventsOf = async (event: string) => {
    const { db } = current();
    const rows = await db('audit_events')
      .where({ account_id: citizen.accountId, event })
      .select('client_id', db.raw('CAST(xmin AS text) AS x'));
    return rows as { client_id: string | null; x: string }[];
  };
  const attempts = () => writersOf('sign_in_attempts', 'subject', `account:${citizen.accountId}`);

  it('counts a right answer, remembers its device and records it in one commit', async () => {
    await signInAt(browser, citizen, authorizationRequest(server, site));
    const [success] = await eventsOf('authn_login_success');
    expect(success?.x).to.be.a('string');
    expect(await attempts()).to.deep.equal([success?.x]);
    expect(await writersOf('known_devices', 'account_id', citizen.accountId)).to.deep.equal([
      success?.x,
    ]);
  });

  it('counts a wrong answer and records it in one commit', async () => {
    const page = await browser.open(authorizationRequest(server, site).url);
    await enterPassword(browser, page, { ...citizen, password: 'Wrong-Bridge-0000' });
    const [failure] = await eventsOf('authn_login_fail');
    expect(failure?.x).to.be.a('string');
    expect(await attempts()).to.deep.equal([failure?.x]);
  });

  it('writes session, grant and their event in one commit', async () => {
    await signInAt(browser, citizen, authorizationRequest(server, site));
    const [created, ...more] = await eventsOf('session_created');
    expect(created?.client_id).to.equal(site.clientId);
    expect(more).to.deep.equal([]);
    for (const table of ['sessions', 'grants']) {
      const writers = await writersOf(table, 'account_id', citizen.accountId);
      expect(writers, table).to.deep.equal([created?.x]);
    }
    expect(await eventsOf('session_site_entered')).to.deep.equal([]);
  });

  it('records the entry of another site once in a session', async () => {
    const other = await aSite(server);
    await signInAt(browser, citizen, authorizationRequest(server, site));
    for (let visit = 0; visit < 2; visit += 1) {
      const entered = await signInAt(browser, citizen, authorizationRequest(server, other));
      expect(entered).to.have.property('code');
    }
    const entries = await eventsOf('session_site_entered');
    expect(entries.map((entry) => entry.client_id)).to.deep.equal([other.clientId]);
  });

  it('enters no site and grants nothing when that cannot be recorded', async () => {
    const other = await aSite(server);
    await signInAt(browser, citizen, authorizationRequest(server, site));
    const { db } = current();
    const head = await db<{ hash: Buffer }>('audit_head').first();
    await db('audit_head').update({ hash: Buffer.alloc(32, 7) });
    try {
      const refused = await browser.open(authorizationRequest(server, other).url);
      expect(refused.url).to.not.contain('code=');
    } finally {
      await db('audit_head').update({ hash: head?.hash });
    }
    expect(await db('session_sites').where({ client_id: other.clientId })).to.deep.equal([]);
    expect(await db('grants').where({ client_id: other.clientId })).to.deep.equal([]);
    const again = await signInAt(browser, citizen, authorizationRequest(server, other));
    expect(again).to.have.property('code');
  });
});
